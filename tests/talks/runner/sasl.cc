// SPDX-License-Identifier: Apache-2.0
#include "sasl.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <map>
#include <vector>

namespace jackdaw::talks {
namespace {

const EVP_MD* hash_of(std::string_view mechanism) {
  if (mechanism.find("SHA-512") != mechanism.npos) return EVP_sha512();
  return mechanism.find("SHA-256") != mechanism.npos ? EVP_sha256() : EVP_sha1();
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string keyed(const EVP_MD* hash, std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(hash, key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

std::string hashed(const EVP_MD* hash, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out, &size, hash, nullptr);
  return {reinterpret_cast<char*>(out), size};
}

// Salted password; remembered, since many clients of a talk share it.
const std::string& salted(const EVP_MD* hash, const std::string& password, const std::string& salt, int iterations) {
  static std::map<std::string, std::string> known;
  auto& out =
      known[std::to_string(EVP_MD_get_type(hash)) + ' ' + std::to_string(iterations) + ' ' + salt + ' ' + password];
  if (!out.empty()) return out;
  out.resize(static_cast<std::size_t>(EVP_MD_get_size(hash)));
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt), static_cast<int>(salt.size()),
                    iterations, hash, static_cast<int>(out.size()), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

// "r=...,s=...,i=..." by letter.
std::map<char, std::string> fields(const std::string& message) {
  std::map<char, std::string> out;
  for (std::size_t at = 0; at < message.size();) {
    const auto end = std::min(message.find(',', at), message.size());
    if (end > at + 1) out[message[at]] = message.substr(at + 2, end - at - 2);
    at = end + 1;
  }
  return out;
}

std::string saslname(const std::string& name) {
  std::string out;
  for (char c : name) {
    if (c == ',')
      out += "=2C";
    else if (c == '=')
      out += "=3D";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string from_base64(std::string_view text) {
  std::string out(text.size(), '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text), static_cast<int>(text.size()));
  if (size < 0) return {};
  const auto padding = text.ends_with("==") ? 2u : text.ends_with("=") ? 1u : 0u;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string sha1_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char byte : hashed(EVP_sha1(), bytes)) {
    out += digits[static_cast<unsigned char>(byte) >> 4];
    out += digits[static_cast<unsigned char>(byte) & 15];
  }
  return out;
}

SaslClient::SaslClient(std::string mechanism, Credentials who, std::string binding)
    : mechanism_(std::move(mechanism)), who_(std::move(who)) {
  const bool plus = mechanism_.ends_with("-PLUS");
  gs2_ = plus ? "p=tls-exporter," : "n,";
  if (!who_.authzid.empty()) gs2_ += "a=" + saslname(who_.authzid);
  gs2_ += ',';
  if (plus) binding_ = std::move(binding);
}

std::string SaslClient::first() {
  if (mechanism_ == "PLAIN") return who_.authzid + '\0' + who_.name + '\0' + who_.password;
  unsigned char random[18];
  RAND_bytes(random, sizeof random);
  nonce_ = base64({reinterpret_cast<char*>(random), sizeof random});
  client_bare_ = "n=" + saslname(who_.name) + ",r=" + nonce_;
  return gs2_ + client_bare_;
}

std::optional<std::string> SaslClient::respond(const std::string& challenge) {
  auto said = fields(challenge);
  if (!said['r'].starts_with(nonce_) || said['i'].empty() || nonce_.empty()) return std::nullopt;
  const EVP_MD* hash = hash_of(mechanism_);
  const std::string& password = salted(hash, who_.password, from_base64(said['s']), std::stoi(said['i']));
  const std::string client_key = keyed(hash, password, "Client Key");
  const std::string last = "c=" + base64(gs2_ + binding_) + ",r=" + said['r'];
  const std::string all = client_bare_ + ',' + challenge + ',' + last;
  std::string proof = keyed(hash, hashed(hash, client_key), all);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  server_signature_ = keyed(hash, keyed(hash, password, "Server Key"), all);
  return last + ",p=" + base64(proof);
}

bool SaslClient::verifies(const std::string& last) const {
  if (mechanism_ == "PLAIN") return last.empty();
  return last == "v=" + base64(server_signature_);
}

}  // namespace jackdaw::talks
