// Wire: a blocking client connection, in clear or with TLS, whose every wait has an end. Errors: false or empty.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace jackdaw::talks {

class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  ~Wire() { cut(); }

  // "127.0.0.1:5222".
  bool connect(const std::string& address);
  bool start_tls(const std::string& domain);
  bool is_encrypted() const { return ssl_ != nullptr; }
  bool is_open() const { return descriptor_ >= 0; }
  bool write(std::string_view bytes);

  enum class Got { bytes, closed, nothing };
  // Waits for bytes until `deadline`.
  Got read(std::string& bytes, std::chrono::steady_clock::time_point deadline);
  // Closes the connection without a word.
  void cut();
  // RFC 9266: tls-exporter. Empty without TLS.
  std::string channel_binding() const;

 private:
  bool wait(short events, std::chrono::steady_clock::time_point deadline) const;
  int descriptor_ = -1;
  SSL* ssl_ = nullptr;
};

}  // namespace jackdaw::talks
