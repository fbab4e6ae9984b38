// TLS: contexts made from certificate files, and one connection's TLS state over buffers in memory.
//
// A TlsContext belongs to one domain on one core; ticket keys are shared by all of a process (TlsTickets). RFC 7590,
// RFC 9325: TLS 1.2 and 1.3, no renegotiation, no compression, no server-side session cache.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace jackdaw {

// RFC 6066 §3: an address is no server name; then none is said.
void say_server_name(SSL* ssl, const std::string& name);

struct SslFree {
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;
using SslContextPtr = std::unique_ptr<SSL_CTX, SslFree>;

// Keys that protect session tickets: rotated daily, the one before still opens. Any thread.
class TlsTickets {
 public:
  explicit TlsTickets(Clock& clock);
  struct Key {
    unsigned char name[16], aes[32], hmac[32];
  };
  Key current();
  // False: unknown. `renew`: the ticket is to be replaced.
  bool find(const unsigned char* name, Key& key, bool& renew);

 private:
  void rotate();
  Clock& clock_;
  std::mutex mutex_;
  Key keys_[2];
  Steady born_;
};

enum class ClientCertificate { not_asked, asked };

struct TlsFiles {
  std::string certificate;  // chain in PEM, own certificate first
  std::string key;          // PEM
  std::string domain = {};  // whose sessions may be resumed together
};

// Failure: one line that names the file, what is wrong and what to do.
Result<SslContextPtr> make_tls_context(const TlsFiles& files, std::shared_ptr<TlsTickets> tickets,
                                       ClientCertificate client = ClientCertificate::not_asked);

// Which certificates are trusted: those of a file or a directory, or (empty) the system's. Shared by contexts, any
// thread.
struct StoreFree {
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
};
using TrustedCertificates = std::shared_ptr<X509_STORE>;
Result<TrustedCertificates> load_trusted(const std::string& place);

// For the side of a stream that opens it: presents the certificate of `files`. The peer's is looked at afterwards; a
// handshake does not fail for it.
Result<SslContextPtr> make_tls_client_context(const TlsFiles& files, const TrustedCertificates& trusted);
// Asks peers for a certificate and verifies it against `trusted` as one of a server; a handshake does not fail for it.
void ask_for_certificate(SSL_CTX* context, const TrustedCertificates& trusted);
// One TLSA record (RFC 6698 §2.1).
struct TlsaRecord {
  std::uint8_t usage = 0, selector = 0, matching = 0;
  std::string data;
};
std::optional<TlsaRecord> read_tlsa(std::string_view data);
// What DNSSEC has proven of a host's certificates; OpenSSL looks at them in the handshake.
struct Dane {
  std::string host;  // in its ASCII form
  std::vector<TlsaRecord> records;
};
// After a handshake with such records: whether one of them, that can be used, fits the certificate. `usable`: whether
// any could be used.
struct DaneMatch {
  bool usable = false, fits = false;
};
DaneMatch dane_match(const SSL* ssl);

// Empty: the peer has shown a certificate whose chain ends in a trusted one; else why not.
std::string why_untrusted(const SSL* ssl);

// Chooses the context for a server name and for who comes: a client, or (by ALPN, XEP-0368 §3) another server. Null:
// the first one, the client decides.
enum class Comer { client, server };
using TlsChooser = std::function<SSL_CTX*(std::string_view server_name, Comer comer)>;

// One connection's TLS. Bytes from the peer are lent to it, bytes for the peer are appended where it is told.
class TlsState {
 public:
  // `chooser` is asked during the handshake only and must live until it is over.
  TlsState(SSL_CTX* first, const TlsChooser& chooser);
  // The client's side.
  TlsState(SSL_CTX* context, const std::string& server_name, std::string_view alpn, const Dane& dane);
  TlsState(const TlsState&) = delete;

  enum class Step { done, more, failed };
  // What came from the peer; every byte is taken.
  void lend(std::string_view encrypted) { in_ = encrypted; }
  // What of that has not been taken yet.
  std::string_view rest() const { return in_; }
  Step handshake(std::string& out);
  // Up to `size` decrypted bytes; 0: nothing more yet; -1: closed or failed.
  int read(char* to, std::size_t size, std::string& out);
  bool write(std::string_view plain, std::string& out);
  void shutdown(std::string& out);

  SSL* ssl() const { return ssl_.get(); }
  // TLSA records that the handshake looks at.
  int usable_records() const { return usable_records_; }
  // Why it failed, for the log.
  static std::string last_error();

 private:
  static BIO_METHOD* method();
  static int bio_read(BIO* bio, char* to, int size);
  static int bio_write(BIO* bio, const char* from, int size);
  static long bio_ctrl(BIO* bio, int command, long, void*);
  friend int choose_context(SSL* ssl, int*, void*);
  void attach();

  SslPtr ssl_;
  std::string_view in_;
  std::string* out_ = nullptr;
  int usable_records_ = 0;
  const TlsChooser* chooser_;
};

// Makes an ECDSA P-256 certificate for `names` (the first is the subject), signed by its own key, valid for ten years.
// The key's file gets mode 0600. Failure: which file, and why.
Result<Done> make_self_signed(const TlsFiles& files, const std::vector<std::string>& names);

}  // namespace jackdaw
