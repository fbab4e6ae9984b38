// The certificate that a new server begins with, so that TLS is on from the first minute.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "net/tls.h"

namespace jackdaw {
namespace {

struct Free {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  Owned<X509_EXTENSION> extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())};
  check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "a certificate extension is refused");
}

Owned<X509> make_certificate(EVP_PKEY* key, const std::vector<std::string>& names) {
  Owned<X509> made{X509_new()};
  X509* x = made.get();
  X509_set_version(x, X509_VERSION_3);
  const std::string serial = random_bytes(16);
  BIGNUM* number = BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), 16, nullptr);
  BN_clear_bit(number, 127);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 10L * 365 * 24 * 3600);
  X509_set_pubkey(x, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(names.front().substr(0, 64).c_str()), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  std::string alternatives;
  for (const auto& name : names) alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  add_extension(x, NID_subject_alt_name, alternatives);
  add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth");
  check(X509_sign(x, key, EVP_sha256()) != 0, "a certificate cannot be signed");
  return made;
}

Result<Done> write_file(const std::string& file, BIO* content, mode_t mode) {
  char* bytes = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(content, &bytes));
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return Failure{file + ": cannot be written: " + std::strerror(errno)};
  const bool good = ::write(fd, bytes, size) == static_cast<ssize_t>(size) && ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  if (!good) return Failure{file + ": cannot be written: " + std::strerror(why)};
  return Done{};
}

}  // namespace

Result<Done> make_self_signed(const TlsFiles& files, const std::vector<std::string>& names) {
  Owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  check(key != nullptr, "no P-256 key can be made");
  const auto certificate = make_certificate(key.get(), names);
  Owned<BIO> key_pem{BIO_new(BIO_s_mem())}, certificate_pem{BIO_new(BIO_s_mem())};
  PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificate_pem.get(), certificate.get());
  if (auto written = write_file(files.key, key_pem.get(), 0600); !written) return written;
  return write_file(files.certificate, certificate_pem.get(), 0644);
}

}  // namespace jackdaw
