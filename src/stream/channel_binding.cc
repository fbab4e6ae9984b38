// tls-exporter (RFC 9266), tls-unique and tls-server-end-point (RFC 5929). Start at channel_bindings().
// SPDX-License-Identifier: Apache-2.0
#include "stream/channel_binding.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <optional>
#include <string_view>

namespace jackdaw {
namespace {

// RFC 9266 §4 and RFC 7627 §5.4: before TLS 1.3 the keys identify the connection only with the extended master secret
// and without renegotiation.
bool keys_are_unique(SSL* ssl) {
  if (SSL_version(ssl) >= TLS1_3_VERSION) return true;
  return SSL_version(ssl) == TLS1_2_VERSION && SSL_get_extms_support(ssl) == 1 &&
         (SSL_get_options(ssl) & SSL_OP_NO_RENEGOTIATION) != 0;
}

// RFC 9266 §2: the context is present and of length zero, which TLS 1.2 tells from an absent one.
std::optional<std::string> exporter(SSL* ssl) {
  static constexpr std::string_view label = "EXPORTER-Channel-Binding";
  std::string data(32, '\0');
  const unsigned char no_context = 0;
  if (SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(data.data()), data.size(), label.data(),
                                 label.size(), &no_context, 0, /*use_context=*/1) != 1)
    return std::nullopt;
  return data;
}

// RFC 5929 §3.1: the first Finished message of the handshake. The client sends it in a full handshake, the server when
// a session is resumed.
std::optional<std::string> unique(SSL* ssl) {
  char buffer[EVP_MAX_MD_SIZE];
  const std::size_t size = SSL_session_reused(ssl) ? SSL_get_finished(ssl, buffer, sizeof buffer)
                                                   : SSL_get_peer_finished(ssl, buffer, sizeof buffer);
  if (size == 0 || size > sizeof buffer) return std::nullopt;
  return std::string{buffer, size};
}

// A resumed connection carries no Certificate message; with several certificates (ECDSA and RSA) it cannot be told
// which one the client saw when the session began. Leaves the choice on the last one, which nothing uses any more.
bool several_certificates(SSL* ssl) {
  return SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST) == 1 && SSL_set_current_cert(ssl, SSL_CERT_SET_NEXT) == 1;
}

// RFC 5929 §4.1: the hash of the signature's own algorithm, SHA-256 in place of MD5 and SHA-1; undefined for
// signatures with no hash of their own (Ed25519).
const EVP_MD* end_point_hash(X509* certificate) {
  int hash = NID_undef;
  if (X509_get_signature_info(certificate, &hash, nullptr, nullptr, nullptr) != 1 || hash == NID_undef) return nullptr;
  if (hash == NID_md5 || hash == NID_sha1 || hash == NID_md5_sha1) return EVP_sha256();
  return EVP_get_digestbynid(hash);
}

std::optional<std::string> server_end_point(SSL* ssl) {
  if (SSL_session_reused(ssl) && several_certificates(ssl)) return std::nullopt;
  X509* certificate = SSL_get_certificate(ssl);
  if (certificate == nullptr) return std::nullopt;
  const EVP_MD* hash = end_point_hash(certificate);
  if (hash == nullptr) return std::nullopt;
  unsigned char buffer[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, hash, buffer, &size) != 1) return std::nullopt;
  return std::string{reinterpret_cast<char*>(buffer), size};
}

}  // namespace

std::vector<ChannelBinding> channel_bindings(SSL* ssl) {
  std::vector<ChannelBinding> offered;
  if (ssl == nullptr || !SSL_is_init_finished(ssl)) return offered;
  const auto offer = [&](const char* name, std::optional<std::string> data) {
    if (data) offered.push_back({.name = name, .data = std::move(*data)});
  };
  if (keys_are_unique(ssl)) {
    offer("tls-exporter", exporter(ssl));
    // RFC 9266 §3: tls-unique is not defined for TLS 1.3.
    if (SSL_version(ssl) == TLS1_2_VERSION) offer("tls-unique", unique(ssl));
  }
  offer("tls-server-end-point", server_end_point(ssl));
  ERR_clear_error();  // what failed here must not be taken for a failure of the next SSL_read
  return offered;
}

}  // namespace jackdaw
