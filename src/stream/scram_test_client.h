// The client's side of SCRAM, for tests, the fuzz target and the bench: written from RFC 5802 §3 alone, without a
// function of scram.cc. Start at client_final().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "store/accounts.h"

namespace jackdaw::scram_test {

inline const EVP_MD* digest(Hash hash) {
  return hash == Hash::sha1 ? EVP_sha1() : hash == Hash::sha256 ? EVP_sha256() : EVP_sha512();
}

inline std::string mac(Hash hash, std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(digest(hash), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

inline std::string hashed(Hash hash, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out, &size, digest(hash), nullptr);
  return {reinterpret_cast<char*>(out), size};
}

inline std::string salted(Hash hash, std::string_view password, std::string_view salt, int iterations) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(digest(hash))), '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()), iterations,
                    digest(hash), static_cast<int>(out.size()), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

// "r=nonce,s=...": the text behind `name`, up to the next comma.
inline std::string_view attribute(std::string_view message, std::string_view name) {
  const auto at = message.find(name);
  if (at == message.npos) return {};
  const auto value = message.substr(at + name.size());
  return value.substr(0, value.find(','));
}

struct Talk {
  Hash hash = Hash::sha256;
  std::string salted_password;  // from salted()
  std::string header = "n,,";   // gs2-header
  std::string binding;          // channel binding data
  std::string bare = "n=user,r=clientnonce";
  std::string extensions;  // ",x=1" goes into the final message
  std::string server_first;
};

inline std::string without_proof(const Talk& talk) {
  return "c=" + to_base64(talk.header + talk.binding) + ",r=" + std::string{attribute(talk.server_first, "r=")} +
         talk.extensions;
}

inline std::string client_final(const Talk& talk) {
  const std::string client_key = mac(talk.hash, talk.salted_password, "Client Key");
  const std::string signed_text = talk.bare + "," + talk.server_first + "," + without_proof(talk);
  std::string proof = mac(talk.hash, hashed(talk.hash, client_key), signed_text);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  return without_proof(talk) + ",p=" + to_base64(proof);
}

inline std::string server_final(const Talk& talk) {
  const std::string signed_text = talk.bare + "," + talk.server_first + "," + without_proof(talk);
  return "v=" + to_base64(mac(talk.hash, mac(talk.hash, talk.salted_password, "Server Key"), signed_text));
}

}  // namespace jackdaw::scram_test
