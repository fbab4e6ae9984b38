// The client's side of SASL, written independently of the server's: PLAIN (RFC 4616) and SCRAM (RFC 5802, RFC 7677).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace jackdaw::talks {

std::string base64(std::string_view bytes);
std::string from_base64(std::string_view text);
// In hexadecimal digits.
std::string sha1_hex(std::string_view bytes);

struct Credentials {
  std::string name, password;
  std::string authzid = {};
};

class SaslClient {
 public:
  // `binding`: tls-exporter's bytes, used by mechanisms that end in -PLUS.
  SaslClient(std::string mechanism, Credentials who, std::string binding);
  std::string first();
  // The answer to a challenge; empty when the challenge is not acceptable.
  std::optional<std::string> respond(const std::string& challenge);
  // Has the server proven that it knows the account, too?
  bool verifies(const std::string& last) const;

 private:
  std::string mechanism_;
  Credentials who_;
  std::string gs2_, binding_, nonce_, client_bare_, server_signature_;
};

}  // namespace jackdaw::talks
