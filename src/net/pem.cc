// SPDX-License-Identifier: Apache-2.0
#include "net/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <fstream>
#include <sstream>

namespace jackdaw {
namespace {

struct FreeBio {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};

// Nobody is there who could be asked for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

std::unique_ptr<BIO, FreeBio> lend(const std::string& text) {
  return std::unique_ptr<BIO, FreeBio>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

}  // namespace

Result<PemFile> read_pem(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  std::string text(largest_pem + 1, '\0');
  if (!in) return Failure{file + ": cannot be read"};
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > largest_pem) return Failure{file + ": is too large for a file of certificates"};
  PemFile made;
  const auto certificates = lend(text), key = lend(text);
  while (X509* one = PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr))
    made.certificates.emplace_back(one);
  made.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (made.certificates.empty() && !made.key) return Failure{file + ": holds neither a certificate nor a key (PEM)"};
  return made;
}

bool belong_together(const X509* certificate, const EVP_PKEY* key) {
  const bool good = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return good;
}

std::vector<std::string> names_in(const X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, FreeBio> all{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i)
    if (const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i); name->type == GEN_DNS)
      names.push_back(text_of(name->d.dNSName));
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (names.empty() && at >= 0) names.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  ERR_clear_error();
  return names;
}

std::string text_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, FreeBio> out{BIO_new(BIO_s_mem())};
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_SPC_EQ);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return size > 0 ? std::string{bytes, static_cast<std::size_t>(size)} : std::string{};
}

TimePoint time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return TimePoint{Seconds{timegm(&parts)}};
}

std::string fingerprint_of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
  return {reinterpret_cast<const char*>(digest), size};
}

}  // namespace jackdaw
