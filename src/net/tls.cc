// SPDX-License-Identifier: Apache-2.0
#include "net/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/bytes.h"
#include "base/log.h"

namespace jackdaw {
namespace {

constexpr auto ticket_key_life = 24h;

int ticket_slot() {
  static const int slot =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, [](void*, void* ptr, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<std::shared_ptr<TlsTickets>*>(ptr);
      });
  return slot;
}

bool use_key(EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, const TlsTickets::Key& key, unsigned char* iv, int encrypt) {
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.hmac), sizeof key.hmac),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes, iv, encrypt) == 1 &&
         EVP_MAC_CTX_set_params(mac, params) == 1;
}

// RFC 5077 §4. Returns as SSL_CTX_set_tlsext_ticket_key_evp_cb(3) says: -1 error, 0 unknown, 1 good, 2 good and renew.
// OpenSSL's signature. NOLINTNEXTLINE(readability-function-size)
int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
               int encrypt) {
  auto& tickets = **static_cast<std::shared_ptr<TlsTickets>*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ticket_slot()));
  TlsTickets::Key key;
  bool renew = false;
  if (encrypt) {
    key = tickets.current();
    memcpy(name, key.name, sizeof key.name);
    if (RAND_bytes(iv, 16) != 1) return -1;
  } else if (!tickets.find(name, key, renew)) {
    return 0;
  }
  const bool good = use_key(cipher, mac, key, iv, encrypt);
  OPENSSL_cleanse(&key, sizeof key);
  // RFC 8446 §4.6.1, §C.4: with 1.3 a ticket is for one connection, so each brings the next one.
  renew |= !encrypt && SSL_version(ssl) == TLS1_3_VERSION;
  return good ? (renew ? 2 : 1) : -1;
}

// XEP-0368 §3: xmpp-client and xmpp-server are accepted. RFC 7301 §3.2: who offers others only means another protocol.
// OpenSSL's signature. NOLINTNEXTLINE(readability-function-size)
int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size,
                    void*) {
  static constexpr unsigned char ours[] = "\x0bxmpp-client\x0bxmpp-server";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, ours, sizeof ours - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// The name in the extension server_name (RFC 6066 §3): a list's size, a type (0: a host's name), the name's size, the
// name. Empty when there is none, or it is not written so; that OpenSSL refuses itself.
std::string_view server_name(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1 || size < 5 || bytes[2] != 0)
    return {};
  const std::size_t name_size = static_cast<std::size_t>(bytes[3]) << 8 | bytes[4];
  if (name_size > size - 5) return {};
  return {reinterpret_cast<const char*>(bytes) + 5, name_size};
}

// RFC 7301 §3.1: a list's size, then each protocol behind its size. A server offers that of servers and no client's.
Comer comer_of(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &bytes, &size) != 1)
    return Comer::client;
  const std::string_view list{reinterpret_cast<const char*>(bytes), size};
  const bool of_servers = list.find("\x0bxmpp-server") != list.npos,
             of_clients = list.find("\x0bxmpp-client") != list.npos;
  return of_servers && !of_clients ? Comer::server : Comer::client;
}

Failure file_failure(const std::string& file, const std::string& what) {
  return {file + ": " + what + ": " + TlsState::last_error()};
}

// What both sides of a connection have in common.
Result<SslContextPtr> make_either_context(const SSL_METHOD* method, const TlsFiles& files) {
  SslContextPtr made{SSL_CTX_new(method)};
  SSL_CTX* context = made.get();
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return file_failure(files.certificate, "no usable certificate (PEM, own certificate first)");
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return file_failure(files.key, "no usable private key (PEM) that belongs to " + files.certificate);
  // A key of another kind than the certificate's (RSA, EC) is taken beside it.
  if (SSL_CTX_check_private_key(context) != 1)
    return file_failure(files.key, "does not belong to " + files.certificate);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // RFC 9325 §4.2: forward secrecy and AEAD only for 1.2; 1.3 has nothing else.
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  return made;
}

// What marks a context that verifies servers.
void* const server_trust = const_cast<char*>("servers");

void trust_for_servers(SSL_CTX* context, const TrustedCertificates& trusted) {
  SSL_CTX_set1_verify_cert_store(context, trusted.get());
  SSL_CTX_set_app_data(context, server_trust);
}

// The certificate is looked at when it is to prove something; a handshake does not fail for it.
void ask_quietly(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
}

}  // namespace

// Before anything else is looked at: a ticket is only good for the domain that it was made for (RFC 6066 §3), and which
// that is the context says. OpenSSL's callback for the name comes after the ticket.
int choose_context(SSL* ssl, int*, void*) {
  auto* state = static_cast<TlsState*>(SSL_get_app_data(ssl));
  if (!state->chooser_ || !*state->chooser_) return SSL_CLIENT_HELLO_SUCCESS;
  SSL_CTX* chosen = (*state->chooser_)(server_name(ssl), comer_of(ssl));
  // An unknown name gets the first certificate: the client decides.
  if (!chosen || chosen == SSL_get_SSL_CTX(ssl)) return SSL_CLIENT_HELLO_SUCCESS;
  SSL_set_SSL_CTX(ssl, chosen);
  SSL_set1_param(ssl, SSL_CTX_get0_param(chosen));
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(chosen), SSL_CTX_get_verify_callback(chosen));
  SSL_clear_options(ssl, SSL_OP_NO_TICKET);
  SSL_set_options(ssl, SSL_CTX_get_options(chosen));
  SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(chosen));
  return SSL_CLIENT_HELLO_SUCCESS;
}

TlsTickets::TlsTickets(Clock& clock) : clock_(clock), born_(clock.steady()) {
  check(RAND_bytes(reinterpret_cast<unsigned char*>(keys_), sizeof keys_) == 1, "no random bytes for ticket keys");
}

void TlsTickets::rotate() {
  if (clock_.steady() - born_ < ticket_key_life) return;
  keys_[1] = keys_[0];
  check(RAND_bytes(reinterpret_cast<unsigned char*>(keys_), sizeof keys_[0]) == 1, "no random bytes for ticket keys");
  born_ = clock_.steady();
}

TlsTickets::Key TlsTickets::current() {
  std::lock_guard lock(mutex_);
  rotate();
  return keys_[0];
}

bool TlsTickets::find(const unsigned char* name, Key& key, bool& renew) {
  std::lock_guard lock(mutex_);
  rotate();
  for (int i = 0; i < 2; ++i) {
    if (memcmp(keys_[i].name, name, sizeof keys_[i].name) != 0) continue;
    key = keys_[i];
    renew = i == 1;
    return true;
  }
  return false;
}

Result<SslContextPtr> make_tls_context(const TlsFiles& files, std::shared_ptr<TlsTickets> tickets,
                                       ClientCertificate client) {
  auto made = make_either_context(TLS_server_method(), files);
  if (!made) return made;
  SSL_CTX* context = made->get();
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(context, 1);
  const std::string id = sha256(files.domain + '\n' + files.certificate).substr(0, SSL_MAX_SSL_SESSION_ID_LENGTH);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(id.data()),
                                 static_cast<unsigned>(id.size()));
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_client_hello_cb(context, choose_context, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, +[](SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; });
  SSL_CTX_set_ex_data(context, ticket_slot(), new std::shared_ptr<TlsTickets>(std::move(tickets)));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
  if (client == ClientCertificate::asked) ask_quietly(context);
  return made;
}

Result<SslContextPtr> make_tls_client_context(const TlsFiles& files, const TrustedCertificates& trusted) {
  auto made = make_either_context(TLS_client_method(), files);
  if (!made) return made;
  SSL_CTX_set_verify(made->get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  trust_for_servers(made->get(), trusted);
  SSL_CTX_dane_enable(made->get());
  return made;
}

void ask_for_certificate(SSL_CTX* context, const TrustedCertificates& trusted) {
  ask_quietly(context);
  trust_for_servers(context, trusted);
  // Public authorities write "server" alone into the certificates of servers, which use them on both sides.
  SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
}

std::optional<TlsaRecord> read_tlsa(std::string_view data) {
  if (data.size() < 4) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(data[i]); };
  return TlsaRecord{byte(0), byte(1), byte(2), std::string(data.substr(3))};
}

DaneMatch dane_match(const SSL* ssl) {
  const auto* state = static_cast<const TlsState*>(SSL_get_app_data(ssl));
  // OpenSSL has it without const. RFC 7671 §4.1: records that cannot be used count as none.
  const bool has_match = SSL_get0_dane_authority(const_cast<SSL*>(ssl), nullptr, nullptr) >= 0;
  return {.usable = state->usable_records() > 0, .fits = has_match && SSL_get_verify_result(ssl) == X509_V_OK};
}

std::string why_untrusted(const SSL* ssl) {
  // Verified against what proves clients, if at all.
  if (SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) != server_trust) return "it was not asked for as a server's";
  if (!SSL_get0_peer_certificate(ssl)) return "no certificate was shown";
  const long result = SSL_get_verify_result(ssl);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

// All of them into memory: a core does not look into files.
Result<TrustedCertificates> load_trusted(const std::string& place) {
  namespace fs = std::filesystem;
  static constexpr auto system_bundle = "/etc/ssl/certs/ca-certificates.crt";  // of the package ca-certificates
  const TrustedCertificates made{X509_STORE_new(), StoreFree{}};
  std::error_code error;
  std::vector<std::string> files{place.empty() ? system_bundle : place};
  if (place.empty() && !fs::exists(system_bundle, error)) {
    static const Log log{"TLS"};
    log.major("no authority is trusted: the system has no list of them, package ca-certificates",
              {{"file", system_bundle}});
    return made;
  }
  if (fs::is_directory(place, error)) {
    files.clear();
    for (const auto& entry : fs::directory_iterator(place, error))
      if (entry.path().extension() == ".pem" || entry.path().extension() == ".crt") files.push_back(entry.path());
    if (files.empty()) return Failure{place + ": holds no certificates (files that end in .pem or .crt)"};
  }
  ERR_clear_error();
  for (const auto& file : files)
    if (X509_STORE_load_file(made.get(), file.c_str()) != 1) return file_failure(file, "no usable certificates (PEM)");
  return made;
}

BIO_METHOD* TlsState::method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "jackdaw");
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_ctrl);
    BIO_meth_set_create(m, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return m;
  }();
  return made;
}

int TlsState::bio_read(BIO* bio, char* to, int size) {
  auto& in = static_cast<TlsState*>(BIO_get_data(bio))->in_;
  BIO_clear_retry_flags(bio);
  if (in.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto n = std::min(in.size(), static_cast<std::size_t>(size));
  memcpy(to, in.data(), n);
  in.remove_prefix(n);
  return static_cast<int>(n);
}

int TlsState::bio_write(BIO* bio, const char* from, int size) {
  auto* self = static_cast<TlsState*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self->out_) return -1;
  self->out_->append(from, static_cast<std::size_t>(size));
  return size;
}

long TlsState::bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

TlsState::TlsState(SSL_CTX* first, const TlsChooser& chooser) : ssl_(SSL_new(first)), chooser_(&chooser) {
  attach();
  SSL_set_accept_state(ssl_.get());
}

void say_server_name(SSL* ssl, const std::string& name) {
  in_addr four;
  if (name.starts_with('[') || inet_pton(AF_INET, name.c_str(), &four) == 1) return;
  SSL_set_tlsext_host_name(ssl, name.c_str());
}

TlsState::TlsState(SSL_CTX* context, const std::string& server_name, std::string_view alpn, const Dane& dane)
    : ssl_(SSL_new(context)), chooser_(nullptr) {
  attach();
  if (!dane.records.empty() && SSL_dane_enable(ssl_.get(), dane.host.c_str()) == 1) {
    // RFC 7673 §4: the host's name, or the domain's, where the usage looks at names.
    SSL_add1_host(ssl_.get(), server_name.c_str());
    SSL_dane_set_flags(ssl_.get(), DANE_FLAG_NO_DANE_EE_NAMECHECKS);  // RFC 7671 §5.1
    for (const auto& r : dane.records)
      usable_records_ += SSL_dane_tlsa_add(ssl_.get(), r.usage, r.selector, r.matching,
                                           reinterpret_cast<const unsigned char*>(r.data.data()), r.data.size()) == 1;
  }
  say_server_name(ssl_.get(), server_name);
  const std::string protocols = static_cast<char>(alpn.size()) + std::string(alpn);
  if (!alpn.empty())
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  SSL_set_connect_state(ssl_.get());
}

void TlsState::attach() {
  check(ssl_ != nullptr, "no memory for TLS");
  BIO* bio = BIO_new(method());
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

TlsState::Step TlsState::handshake(std::string& out) {
  out_ = &out;
  ERR_clear_error();
  const int n = SSL_do_handshake(ssl_.get());
  out_ = nullptr;
  if (n == 1) return Step::done;
  return SSL_get_error(ssl_.get(), n) == SSL_ERROR_WANT_READ ? Step::more : Step::failed;
}

int TlsState::read(char* to, std::size_t size, std::string& out) {
  out_ = &out;
  ERR_clear_error();
  std::size_t have = 0;
  while (have < size) {
    const int n = SSL_read(ssl_.get(), to + have, static_cast<int>(size - have));
    if (n > 0) {
      have += static_cast<std::size_t>(n);
      continue;
    }
    out_ = nullptr;
    if (SSL_get_error(ssl_.get(), n) == SSL_ERROR_WANT_READ || have > 0) return static_cast<int>(have);
    return -1;
  }
  out_ = nullptr;
  return static_cast<int>(have);
}

bool TlsState::write(std::string_view plain, std::string& out) {
  out_ = &out;
  ERR_clear_error();
  while (!plain.empty()) {
    const int n = SSL_write(ssl_.get(), plain.data(), static_cast<int>(std::min<std::size_t>(plain.size(), 16 * 1024)));
    if (n <= 0) break;
    plain.remove_prefix(static_cast<std::size_t>(n));
  }
  out_ = nullptr;
  return plain.empty();
}

void TlsState::shutdown(std::string& out) {
  out_ = &out;
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  out_ = nullptr;
}

std::string TlsState::last_error() {
  char text[256];
  const auto code = ERR_get_error();
  if (code == 0) return "the peer closed the connection";
  ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

}  // namespace jackdaw
