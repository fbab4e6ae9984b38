// SPDX-License-Identifier: Apache-2.0
#include "stream/gss_acceptor.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#include <cstring>

namespace jackdaw {
namespace {

constexpr char no_layer = 1;

// What the library has made for us.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  ~Buffer() {
    OM_uint32 minor = 0;
    gss_release_buffer(&minor, &bytes_);
  }
  gss_buffer_t get() { return &bytes_; }
  std::string text() const { return {static_cast<const char*>(bytes_.value), bytes_.length}; }

 private:
  gss_buffer_desc bytes_ = GSS_C_EMPTY_BUFFER;
};

gss_buffer_desc lend(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }

bool is_kerberos(gss_OID mechanism) {
  return mechanism != GSS_C_NO_OID && mechanism->length == gss_mech_krb5->length &&
         memcmp(mechanism->elements, gss_mech_krb5->elements, mechanism->length) == 0;
}

std::string words_of(OM_uint32 code, int kind) {
  OM_uint32 minor = 0, more = 0;
  Buffer text;
  gss_display_status(&minor, code, kind, GSS_C_NO_OID, &more, text.get());
  return text.text();
}

}  // namespace

GssAcceptor::~GssAcceptor() {
  OM_uint32 minor = 0;
  if (context_ != GSS_C_NO_CONTEXT) gss_delete_sec_context(&minor, &context_, GSS_C_NO_BUFFER);
  if (credentials_ != GSS_C_NO_CREDENTIAL) gss_release_cred(&minor, &credentials_);
}

Failure GssAcceptor::failed(std::string_view what, OM_uint32 major, OM_uint32 minor) const {
  return Failure{std::string{what} + ": " + words_of(major, GSS_C_GSS_CODE) + ": " + words_of(minor, GSS_C_MECH_CODE)};
}

Result<Done> GssAcceptor::acquire() {
  OM_uint32 minor = 0;
  gss_key_value_element_desc element{"keytab", keytab_.c_str()};
  const gss_key_value_set_desc place{1, &element};
  // RFC 4752 §3: the Kerberos V5 mechanism, whatever else the library knows.
  gss_OID_set_desc kerberos{1, gss_mech_krb5};
  const OM_uint32 major =
      gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &kerberos, GSS_C_ACCEPT,
                            keytab_.empty() ? GSS_C_NO_CRED_STORE : &place, &credentials_, nullptr, nullptr);
  if (major == GSS_S_COMPLETE) return Done{};
  is_ours_ = true;
  return failed("the keytab " + (keytab_.empty() ? "of the system" : keytab_) + " cannot be used", major, minor);
}

Result<std::string> GssAcceptor::step(std::string_view token) {
  if (credentials_ == GSS_C_NO_CREDENTIAL)
    if (auto acquired = acquire(); !acquired) return acquired.failure();
  // An empty one makes the library ask what can be negotiated (SPNEGO), which is not this mechanism.
  if (token.empty()) return Failure{"there is no ticket"};
  OM_uint32 minor = 0;
  gss_buffer_desc in = lend(token);
  gss_name_t name = GSS_C_NO_NAME;
  gss_OID mechanism = GSS_C_NO_OID;
  Buffer out;
  const OM_uint32 major = gss_accept_sec_context(&minor, &context_, credentials_, &in, GSS_C_NO_CHANNEL_BINDINGS, &name,
                                                 &mechanism, out.get(), nullptr, nullptr, nullptr);
  if (GSS_ERROR(major)) return failed("the ticket is refused", major, minor);
  if (major == GSS_S_COMPLETE && !is_kerberos(mechanism)) {
    if (name != GSS_C_NO_NAME) gss_release_name(&minor, &name);
    return Failure{"that is not Kerberos"};
  }
  if (major == GSS_S_COMPLETE) {
    Buffer text;
    const OM_uint32 shown = gss_display_name(&minor, name, text.get(), nullptr);
    if (GSS_ERROR(shown)) return failed("the principal has no name", shown, minor);
    principal_ = text.text();
    is_proven_ = true;
  }
  if (name != GSS_C_NO_NAME) gss_release_name(&minor, &name);
  return out.text();
}

Result<std::string> GssAcceptor::offer_layers() {
  OM_uint32 minor = 0;
  const std::string offer{no_layer, 0, 0, 0};
  gss_buffer_desc in = lend(offer);
  Buffer out;
  const OM_uint32 major = gss_wrap(&minor, context_, 0, GSS_C_QOP_DEFAULT, &in, nullptr, out.get());
  if (GSS_ERROR(major)) return failed("the offer cannot be protected", major, minor);
  return out.text();
}

Result<std::string> GssAcceptor::finish(std::string_view token) {
  OM_uint32 minor = 0;
  gss_buffer_desc in = lend(token);
  Buffer out;
  const OM_uint32 major = gss_unwrap(&minor, context_, &in, out.get(), nullptr, nullptr);
  if (GSS_ERROR(major)) return failed("the answer is not protected by the ticket", major, minor);
  const std::string chosen = out.text();
  if (chosen.size() < 4 || chosen.front() != no_layer) return Failure{"the client wants a layer that was not offered"};
  return chosen.substr(4);
}

std::string localpart_of_principal(std::string_view principal, std::string_view realm) {
  const auto at = principal.rfind('@');
  if (at == principal.npos || principal.substr(at + 1) != realm) return {};
  const auto name = principal.substr(0, at);
  return name.find_first_of("/@\\") == name.npos ? std::string{name} : std::string{};
}

}  // namespace jackdaw
