// Certificates and keys as they stand in PEM files. Reads files: never on a core.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace jackdaw {

struct PemFree {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
using CertificatePtr = std::unique_ptr<X509, PemFree>;
using PrivateKeyPtr = std::unique_ptr<EVP_PKEY, PemFree>;

// What a file holds, in its order; either may be missing.
struct PemFile {
  std::vector<CertificatePtr> certificates;
  PrivateKeyPtr key;
};

constexpr std::size_t largest_pem = 1024 * 1024;

// Failure: it cannot be read, is larger than largest_pem, or has neither in it. A key behind a passphrase is none.
Result<PemFile> read_pem(const std::string& file);

bool belong_together(const X509* certificate, const EVP_PKEY* key);

// The names that a certificate is for: its dNSNames, else its common name.
std::vector<std::string> names_in(const X509* certificate);
// "CN=R11, O=Let's Encrypt, C=US"
std::string text_of(const X509_NAME* name);
TimePoint time_of(const ASN1_TIME* time);
// The whole of it, SHA-256.
std::string fingerprint_of(const X509* certificate);

}  // namespace jackdaw
