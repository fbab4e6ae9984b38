// SCRAM as RFC 5802 §5 to §7 has it. Start at ScramServer::first().
// SPDX-License-Identifier: Apache-2.0
#include "stream/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/sasl_text.h"

namespace jackdaw {
namespace {

constexpr SaslError malformed{SaslCondition::malformed_request, "not a SCRAM message"};
constexpr SaslError extension_unsupported{SaslCondition::malformed_request, "a mandatory extension is not supported"};
constexpr SaslError binding_required{SaslCondition::malformed_request, "a -PLUS mechanism needs channel binding"};
constexpr SaslError binding_unexpected{SaslCondition::malformed_request, "channel binding without a -PLUS mechanism"};
constexpr SaslError binding_unsupported{SaslCondition::not_authorized, "this channel binding type was not offered"};
constexpr SaslError downgraded{SaslCondition::not_authorized,
                               "channel binding was offered, but the client did not see it"};
constexpr SaslError binding_differs{SaslCondition::not_authorized, "the channel bindings do not match"};
constexpr SaslError nonce_differs{SaslCondition::not_authorized, "the nonces do not match"};
constexpr SaslError not_proven{SaslCondition::not_authorized, "wrong name or password"};

constexpr std::size_t salt_size = 16;

const EVP_MD* digest_of(Hash hash) {
  if (hash == Hash::sha1) return EVP_sha1();
  return hash == Hash::sha256 ? EVP_sha256() : EVP_sha512();
}

std::string_view hash_name(Hash hash) {
  if (hash == Hash::sha1) return "SHA-1";
  return hash == Hash::sha256 ? "SHA-256" : "SHA-512";
}

std::string hash_of(Hash hash, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  check(EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, digest_of(hash), nullptr) == 1, "EVP_Digest failed");
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac(Hash hash, std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  check(HMAC(digest_of(hash), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data(), &size) != nullptr,
        "HMAC failed");
  return {reinterpret_cast<const char*>(out.data()), size};
}

void wipe(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

// The value of the attribute `name` when `part` is that attribute and not empty.
std::optional<std::string_view> value_of(char name, std::string_view part) {
  if (part.size() < 3 || part[0] != name || part[1] != '=') return std::nullopt;
  return part.substr(2);
}

// RFC 5802 §5.1: saslname, where "=2C" stands for a comma, "=3D" for "=", and any other "=" is an error.
std::optional<std::string> name_from(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    const auto escape = text.substr(i, 3);
    if (escape != "=2C" && escape != "=3D") return std::nullopt;
    name += escape == "=2C" ? ',' : '=';
    i += 2;
  }
  return name;
}

// RFC 5802 §7: printable = %x21-2B / %x2D-7E.
bool is_nonce(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F && c != ','; });
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 5802 §5.1: optional extensions are passed over, a mandatory one (m) fails. An attribute that the RFC defines for
// another place, or one that comes twice, is no extension.
std::optional<SaslError> refused(std::span<const std::string_view> extensions) {
  std::string seen = "aceinprsv";
  for (const auto part : extensions) {
    if (part.size() < 3 || !is_letter(part[0]) || part[1] != '=') return malformed;
    if (part[0] == 'm') return extension_unsupported;
    if (seen.find(part[0]) != seen.npos) return malformed;
    seen += part[0];
  }
  return std::nullopt;
}

}  // namespace

std::string_view scram_mechanism(Hash hash, Plus plus) {
  static constexpr std::array<std::array<std::string_view, 2>, 3> names{{{"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"},
                                                                         {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"},
                                                                         {"SCRAM-SHA-512", "SCRAM-SHA-512-PLUS"}}};
  return names[static_cast<std::size_t>(hash)][plus == Plus::used];
}

// RFC 5802 §3.
ScramKeys derive_scram_keys(Hash hash, std::string_view prepared_password, std::string salt, std::int32_t iterations) {
  check(iterations > 0, "SCRAM needs at least one iteration");
  std::string salted(static_cast<std::size_t>(EVP_MD_get_size(digest_of(hash))), '\0');
  check(PKCS5_PBKDF2_HMAC(prepared_password.data(), static_cast<int>(prepared_password.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                          iterations, digest_of(hash), static_cast<int>(salted.size()),
                          reinterpret_cast<unsigned char*>(salted.data())) == 1,
        "PBKDF2 failed");
  std::string client_key = hmac(hash, salted, "Client Key");
  ScramKeys keys{.salt = std::move(salt),
                 .iterations = iterations,
                 .stored_key = hash_of(hash, client_key),
                 .server_key = hmac(hash, salted, "Server Key")};
  wipe(salted);
  wipe(client_key);
  return keys;
}

ScramKeys decoy_keys(Hash hash, std::string_view server_secret, std::string_view bare_jid, std::int32_t iterations) {
  check(!server_secret.empty(), "decoys need a secret");
  const auto derive = [&](std::string_view use) {
    std::string text{use};
    text.append(1, '\0').append(hash_name(hash)).append(1, '\0').append(bare_jid);
    return hmac(hash, server_secret, text);
  };
  return {.salt = derive("salt").substr(0, salt_size),
          .iterations = iterations,
          .stored_key = derive("stored key"),
          .server_key = derive("server key")};
}

bool password_fits(Hash hash, std::string_view prepared_password, const ScramKeys& keys) {
  const ScramKeys derived = derive_scram_keys(hash, prepared_password, keys.salt, keys.iterations);
  return equal_in_constant_time(derived.stored_key, keys.stored_key);
}

std::string downgrade_hash(Hash hash, std::vector<std::string> mechanisms, std::vector<std::string> bindings) {
  std::string text;
  const auto append_sorted = [&](std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());  // std::string compares bytes as unsigned: i;octet (RFC 4790 §9.3)
    for (std::size_t i = 0; i < names.size(); ++i) text.append(i == 0 ? "" : "\x1e").append(names[i]);
  };
  append_sorted(mechanisms);
  if (!bindings.empty()) text += '\x1f';
  append_sorted(bindings);
  return to_base64(hash_of(hash, text));
}

std::string scram_nonce() { return to_base64(random_bytes(18)); }

ScramServer::ScramServer(ScramOffer offer) : offer_(std::move(offer)) {
  check(is_nonce(offer_.nonce), "a SCRAM nonce is printable ASCII without comma");
}

// RFC 5802 §6: what the client says about channel binding, against what was offered. Gives the data to bind to.
std::variant<std::string_view, SaslError> ScramServer::binding_for(std::string_view flag) const {
  if (flag == "n" || flag == "y") {
    if (offer_.plus == Plus::used) return binding_required;
    // "y": the client could, and thinks that the server cannot. Somebody took the -PLUS mechanisms off the list.
    if (flag == "y" && !offer_.bindings.empty()) return downgraded;
    return std::string_view{};
  }
  const auto name = value_of('p', flag);
  if (!name) return malformed;
  if (offer_.plus == Plus::unused) return binding_unexpected;
  for (const ChannelBinding& binding : offer_.bindings)
    if (binding.name == *name) return std::string_view{binding.data};
  return binding_unsupported;
}

// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
std::variant<ScramNames, SaslError> ScramServer::parse_bare(std::string_view bare, std::string_view authzid) {
  const auto parts = split(bare);
  if (value_of('m', parts[0])) return extension_unsupported;
  if (parts.size() < 2) return malformed;
  const auto username = value_of('n', parts[0]);
  const auto nonce = value_of('r', parts[1]);
  if (!username || !nonce || !is_nonce(*nonce)) return malformed;
  if (const auto error = refused(std::span{parts}.subspan(2))) return *error;

  auto authcid_name = name_from(*username);
  auto authzid_name = name_from(authzid);
  if (!authcid_name || !authzid_name) return malformed;
  client_bare_ = bare;
  nonce_ = std::string{*nonce} + offer_.nonce;
  return ScramNames{.authcid = std::move(*authcid_name), .authzid = std::move(*authzid_name)};
}

// client-first-message = gs2-cbind-flag "," [authzid] "," client-first-message-bare
std::variant<ScramNames, SaslError> ScramServer::first(std::string_view client_first) {
  check(std::exchange(step_, Step::spent) == Step::first, "SCRAM messages out of order");
  if (client_first.size() > largest_sasl_message || !is_sasl_text(client_first)) return malformed;
  const auto flag_end = client_first.find(',');
  if (flag_end == client_first.npos) return malformed;
  const auto header_end = client_first.find(',', flag_end + 1);
  if (header_end == client_first.npos) return malformed;

  auto authzid = client_first.substr(flag_end + 1, header_end - flag_end - 1);
  if (!authzid.empty()) {
    const auto value = value_of('a', authzid);
    if (!value) return malformed;
    authzid = *value;
  }
  const auto binding = binding_for(client_first.substr(0, flag_end));
  if (const auto* error = std::get_if<SaslError>(&binding)) return *error;
  bound_ = std::string{client_first.substr(0, header_end + 1)}.append(std::get<std::string_view>(binding));

  auto names = parse_bare(client_first.substr(header_end + 1), authzid);
  if (std::holds_alternative<ScramNames>(names)) step_ = Step::server_first;
  return names;
}

std::string ScramServer::server_first(const ScramKeys& keys, KeyKind kind) {
  check(std::exchange(step_, Step::finish) == Step::server_first, "SCRAM messages out of order");
  keys_ = keys;
  kind_ = kind;
  server_first_ = "r=" + nonce_ + ",s=" + to_base64(keys.salt) + ",i=" + std::to_string(keys.iterations);
  if (!offer_.downgrade_hash.empty()) server_first_ += ",h=" + offer_.downgrade_hash;
  return server_first_;
}

// client-final-message = channel-binding "," nonce ["," extensions] "," proof
std::variant<std::string, SaslError> ScramServer::finish(std::string_view client_final) {
  check(std::exchange(step_, Step::spent) == Step::finish, "SCRAM messages out of order");
  if (client_final.size() > largest_sasl_message || !is_sasl_text(client_final)) return malformed;
  const auto parts = split(client_final);
  if (parts.size() < 3) return malformed;
  const auto binding = value_of('c', parts[0]);
  const auto nonce = value_of('r', parts[1]);
  const auto proof = value_of('p', parts.back());
  if (!binding || !nonce || !proof) return malformed;
  if (const auto error = refused(std::span{parts}.subspan(2, parts.size() - 3))) return *error;

  const auto bound = from_base64(*binding);
  const auto proof_bytes = from_base64(*proof);
  const auto proof_size = static_cast<std::size_t>(EVP_MD_get_size(digest_of(offer_.hash)));
  if (!bound || !proof_bytes || proof_bytes->size() != proof_size) return malformed;
  if (*nonce != nonce_) return nonce_differs;
  if (!equal_in_constant_time(*bound, bound_)) return binding_differs;
  return verify(client_final.substr(0, client_final.size() - parts.back().size() - 1), *proof_bytes);
}

// RFC 5802 §3: the client's key is what the proof leaves when the signature is taken off; its hash is stored.
std::variant<std::string, SaslError> ScramServer::verify(std::string_view without_proof, std::string_view proof) const {
  const std::string auth_message = client_bare_ + ',' + server_first_ + ',' + std::string{without_proof};
  std::string client_key = hmac(offer_.hash, keys_.stored_key, auth_message);
  for (std::size_t i = 0; i < client_key.size(); ++i) client_key[i] = static_cast<char>(client_key[i] ^ proof[i]);
  const bool fits = equal_in_constant_time(hash_of(offer_.hash, client_key), keys_.stored_key);
  wipe(client_key);
  std::string server_final = "v=" + to_base64(hmac(offer_.hash, keys_.server_key, auth_message));
  if (!fits || kind_ == KeyKind::decoy) return not_proven;
  return server_final;
}

}  // namespace jackdaw
