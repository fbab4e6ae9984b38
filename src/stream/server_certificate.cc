// SPDX-License-Identifier: Apache-2.0
#include "stream/server_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string>

#include "stanza/jid.h"
#include "stream/external.h"

namespace jackdaw {
namespace {

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

// RFC 4985 §2: "_service.name"; the name is compared like any other, without wildcards.
bool is_srv_name(const GENERAL_NAME& name, std::string_view ascii) {
  static const std::string prefix = "_xmpp-server.";
  if (name.type != GEN_OTHERNAME || OBJ_obj2nid(name.d.otherName->type_id) != NID_SRVName) return false;
  const ASN1_TYPE* value = name.d.otherName->value;
  if (!value || value->type != V_ASN1_IA5STRING) return false;
  const ASN1_IA5STRING* string = value->value.ia5string;
  const std::string_view text{reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                              static_cast<std::size_t>(ASN1_STRING_length(string))};
  if (!text.starts_with(prefix)) return false;
  return std::ranges::equal(text.substr(prefix.size()), ascii, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
}

}  // namespace

bool proves_domain(const X509* certificate, std::string_view domain, CommonName common_name) {
  const std::string ascii = ascii_form(domain);
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  bool proven = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i)
    proven |= is_srv_name(*sk_GENERAL_NAME_value(names.get(), i), ascii);
  for (const auto& address : xmpp_addresses(certificate)) proven |= address.text() == domain;
  const bool may_use_subject = common_name == CommonName::accepted && !names;
  const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                         (may_use_subject ? X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT : X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  auto* asked = const_cast<X509*>(certificate);  // OpenSSL 3.0 has it without const
  proven |= X509_check_host(asked, ascii.data(), ascii.size(), flags, nullptr) == 1;
  ERR_clear_error();  // broken extensions must not be taken for a failure of the next SSL_read
  return proven;
}

}  // namespace jackdaw
