// Certificates made on the spot, for tests. Start at make_certificate().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace jackdaw::test {

struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using Key = std::unique_ptr<EVP_PKEY, FreeCertificate>;

struct CertificateWish {
  std::vector<std::string> common_names{"localhost"};
  std::string alternative_names{};  // as in openssl.cnf: "email:a@example.com,DNS:example.com"
  const EVP_MD* hash = EVP_sha256();
};

inline Key make_ecdsa_key() { return Key{EVP_EC_gen("P-256")}; }

// Self-signed with `key`.
inline Certificate make_certificate(EVP_PKEY* key, const CertificateWish& wish) {
  Certificate certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  for (const std::string& text : wish.common_names)
    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  if (!wish.alternative_names.empty()) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, wish.alternative_names.c_str());
    check(extension != nullptr, "no such alternative name");
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  check(X509_sign(certificate.get(), key, wish.hash) > 0, "certificate not signed");
  return certificate;
}

}  // namespace jackdaw::test
