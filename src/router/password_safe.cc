// SPDX-License-Identifier: Apache-2.0
#include "router/password_safe.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/bytes.h"

namespace jackdaw {
namespace {

constexpr std::size_t key_size = 32, nonce_size = 12, tag_size = 16;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// Synced, as what it closes is of no use without it.
bool write_new(const std::string& file, const std::string& bytes) {
  const std::string fresh = file + ".new";
  const int out = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0) return false;
  const bool written =
      ::write(out, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(out) == 0;
  ::close(out);
  if (!written || ::rename(fresh.c_str(), file.c_str()) != 0) return false;
  const int folder = ::open(file.substr(0, file.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  return synced;
}

}  // namespace

Result<std::string> PasswordSafe::key() {
  std::lock_guard lock(mutex_);
  if (!key_.empty()) return key_;
  const int in = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  if (in < 0 && errno == ENOENT) {
    std::string made = random_bytes(key_size);
    if (!write_new(file_, made)) return Failure{file_ + ": cannot be written: " + std::strerror(errno)};
    key_ = std::move(made);
    return key_;
  }
  if (in < 0) return Failure{file_ + ": cannot be read: " + std::strerror(errno)};
  std::string read(key_size + 1, '\0');
  const auto size = ::read(in, read.data(), read.size());
  ::close(in);
  if (size != static_cast<ssize_t>(key_size))
    return Failure{file_ + ": is not a key of this server (32 bytes); restore the right one"};
  read.resize(key_size);
  key_ = std::move(read);
  return key_;
}

Result<std::string> PasswordSafe::seal(const std::string& whose, const std::string& password) {
  const auto secret = key();
  if (!secret) return secret.failure();
  const std::string nonce = random_bytes(nonce_size);
  std::string closed(password.size(), '\0'), tag(tag_size, '\0');
  const Cipher cipher{EVP_CIPHER_CTX_new()};
  int size = 0;
  const bool good =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(*secret), bytes_of(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(whose), static_cast<int>(whose.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), bytes_of(closed), &size, bytes_of(password), static_cast<int>(password.size())) ==
          1 &&
      EVP_EncryptFinal_ex(cipher.get(), nullptr, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_size, tag.data()) == 1;
  if (!good) return Failure{"a password cannot be encrypted"};
  return nonce + tag + closed;
}

Result<std::optional<std::string>> PasswordSafe::open(const std::string& whose, const std::string& sealed) {
  const auto secret = key();
  if (!secret) return secret.failure();
  if (sealed.size() < nonce_size + tag_size) return std::optional<std::string>{};
  const std::string nonce = sealed.substr(0, nonce_size);
  std::string tag = sealed.substr(nonce_size, tag_size);
  const std::string closed = sealed.substr(nonce_size + tag_size);
  std::string password(closed.size(), '\0'), rest(16, '\0');
  const Cipher cipher{EVP_CIPHER_CTX_new()};
  int size = 0;
  const bool good =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(*secret), bytes_of(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(whose), static_cast<int>(whose.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(password), &size, bytes_of(closed), static_cast<int>(closed.size())) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(rest), &size) == 1;
  return good ? std::optional{std::move(password)} : std::nullopt;
}

}  // namespace jackdaw
