// The server's side of SCRAM (RFC 5802, RFC 7677, draft-melnikov-scram-sha-512), all hashes, with and without -PLUS.
// No sockets and no waiting: the stream decodes base64, asks ScramServer, and looks the account up in between.
//
// Plain values: one thread at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/accounts.h"
#include "stream/channel_binding.h"
#include "stream/sasl_condition.h"

namespace jackdaw {

enum class Plus { unused, used };

// "SCRAM-SHA-256-PLUS" and its like.
std::string_view scram_mechanism(Hash hash, Plus plus);

// `prepared_password` comes from prepare_password(). Takes milliseconds on purpose: never on a core, always through
// offload. Fewer than 1 iteration is a Bug.
ScramKeys derive_scram_keys(Hash hash, std::string_view prepared_password, std::string salt, std::int32_t iterations);

// Keys for an account that does not exist (or has none for this hash): always the same for one name, so that asking
// twice tells nothing, and no password fits them. `server_secret` must outlive restarts; `iterations` are
// those of some account. Takes microseconds, so it may run on a core; make them for every log-in, needed or not
// (bench/login_timing shows what the time tells then).
ScramKeys decoy_keys(Hash hash, std::string_view server_secret, std::string_view bare_jid, std::int32_t iterations);

// For PLAIN: derives and compares in constant time; decoys take as long as an account and never fit. Through offload
// like derive_scram_keys().
bool password_fits(Hash hash, std::string_view prepared_password, const ScramKeys& keys);

// XEP-0474 §"Server Sends Downgrade Protection Hash": what the stream advertised, hashed, as base64. `bindings` is
// empty when XEP-0440 was not used.
std::string downgrade_hash(Hash hash, std::vector<std::string> mechanisms, std::vector<std::string> bindings);

// At least 18 random bytes as base64.
std::string scram_nonce();

struct ScramOffer {
  Hash hash = Hash::sha256;
  Plus plus = Plus::unused;              // of the mechanism that the client chose
  std::vector<ChannelBinding> bindings;  // empty unless -PLUS mechanisms were advertised on this stream
  std::string downgrade_hash;            // sent as h= when not empty (XEP-0474)
  std::string nonce = scram_nonce();     // the server's part; tests set it
};

// As the client wrote them, not prepared yet. `authzid` is empty when the client gave none.
struct ScramNames {
  std::string authcid;
  std::string authzid;
};

enum class KeyKind { account, decoy };

// One exchange: first(), server_first(), finish(), in this order, each once; another order is a Bug. After an error
// the object is spent.
class ScramServer {
 public:
  explicit ScramServer(ScramOffer offer);

  std::variant<ScramNames, SaslError> first(std::string_view client_first);
  // With decoys the exchange goes on as with an account, does the same work and ends in not-authorized.
  std::string server_first(const ScramKeys& keys, KeyKind kind = KeyKind::account);
  // The server-final-message: the client has proven that it knows the password.
  std::variant<std::string, SaslError> finish(std::string_view client_final);

 private:
  enum class Step { first, server_first, finish, spent };

  std::variant<ScramNames, SaslError> parse_bare(std::string_view bare, std::string_view authzid);
  std::variant<std::string_view, SaslError> binding_for(std::string_view flag) const;
  std::variant<std::string, SaslError> verify(std::string_view without_proof, std::string_view proof) const;

  ScramOffer offer_;
  Step step_ = Step::first;
  ScramKeys keys_;
  KeyKind kind_ = KeyKind::decoy;
  std::string bound_;        // gs2-header and channel binding data: what c= must say
  std::string client_bare_;  // client-first-message-bare
  std::string nonce_;        // both parts
  std::string server_first_;
};

}  // namespace jackdaw
