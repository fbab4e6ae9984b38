// Reads the subject and its alternative names out of a certificate. Start at proven_accounts().
// SPDX-License-Identifier: Apache-2.0
#include "stream/external.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string>

namespace jackdaw {
namespace {

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// RFC 6120 §13.7.1.4: otherName of type id-on-xmppAddr, a UTF8String.
std::optional<std::string> xmpp_address(const GENERAL_NAME& name) {
  if (name.type != GEN_OTHERNAME || OBJ_obj2nid(name.d.otherName->type_id) != NID_XmppAddr) return std::nullopt;
  const ASN1_TYPE* value = name.d.otherName->value;
  if (value == nullptr || value->type != V_ASN1_UTF8STRING) return std::nullopt;
  return text_of(value->value.utf8string);
}

std::optional<std::string> email_address(const GENERAL_NAME& name) {
  if (name.type != GEN_EMAIL) return std::nullopt;
  return text_of(name.d.rfc822Name);
}

using Pick = std::optional<std::string> (*)(const GENERAL_NAME&);

std::vector<std::string> alternative_names(const X509* certificate, Pick pick) {
  std::vector<std::string> found;
  // Gives null also when the extension comes twice: then nothing is proven.
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i)
    if (auto text = pick(*sk_GENERAL_NAME_value(names.get(), i))) found.push_back(std::move(*text));
  return found;
}

std::vector<std::string> common_name(const X509* certificate, std::string_view domain) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string name{reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size)};
  OPENSSL_free(utf8);
  if (name.find('@') == name.npos) name.append(1, '@').append(domain);
  return {name};
}

// A name with NUL inside is an attack ("juliet@example.com\0.attacker.example") and proves nothing.
std::vector<BareJid> valid_addresses(const std::vector<std::string>& texts) {
  std::vector<BareJid> addresses;
  for (const std::string& text : texts) {
    if (text.find('\0') != text.npos) continue;
    auto jid = BareJid::parse(text);
    if (jid && std::find(addresses.begin(), addresses.end(), *jid) == addresses.end())
      addresses.push_back(std::move(*jid));
  }
  return addresses;
}

std::vector<std::string> names_in(const X509* certificate, CertificateField field, std::string_view domain) {
  if (field == CertificateField::cn) return common_name(certificate, domain);
  return alternative_names(certificate, field == CertificateField::email ? email_address : xmpp_address);
}

}  // namespace

std::optional<CertificateField> certificate_field(std::string_view setting) {
  if (setting == "xmppaddr") return CertificateField::xmppaddr;
  if (setting == "email") return CertificateField::email;
  if (setting == "cn") return CertificateField::cn;
  return std::nullopt;
}

std::vector<BareJid> xmpp_addresses(const X509* certificate) {
  auto addresses = valid_addresses(alternative_names(certificate, xmpp_address));
  ERR_clear_error();
  return addresses;
}

std::vector<BareJid> proven_accounts(const X509* certificate, CertificateField field, std::string_view domain) {
  auto accounts = valid_addresses(names_in(certificate, field, domain));
  ERR_clear_error();  // broken extensions must not be taken for a failure of the next SSL_read
  std::erase_if(accounts, [&](const BareJid& jid) { return !jid.has_localpart() || jid.domainpart() != domain; });
  return accounts;
}

std::variant<BareJid, SaslError> external_account(const std::vector<BareJid>& proven, std::string_view authzid) {
  if (proven.empty()) return SaslError{SaslCondition::not_authorized, "the certificate names no account here"};
  if (authzid.empty()) {
    if (proven.size() == 1) return proven.front();
    return SaslError{SaslCondition::invalid_authzid, "the certificate names several accounts: say which"};
  }
  const auto asked = BareJid::parse(authzid);
  if (asked && std::find(proven.begin(), proven.end(), *asked) != proven.end()) return *asked;
  return SaslError{SaslCondition::invalid_authzid, "the certificate does not name this account"};
}

}  // namespace jackdaw
