// CRAM-MD5 (RFC 2195) and DIGEST-MD5 (RFC 2831; historic by RFC 6331): for clients that know nothing better, where a
// domain turns them on. Both need the password itself. Plain values: one thread at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "stream/sasl_condition.h"

namespace jackdaw {

// RFC 2195 §2: "<random.time@domain>".
std::string cram_challenge(std::string_view domain);
struct CramResponse {
  std::string name;    // as the client wrote it
  std::string digest;  // hex
};
std::optional<CramResponse> parse_cram(std::string_view response);
// In constant time.
bool cram_fits(const CramResponse& response, std::string_view challenge, std::string_view password);

// One exchange: challenge(), read(), finish().
class DigestMd5 {
 public:
  explicit DigestMd5(std::string domain, std::string nonce = {});  // tests give the nonce

  // RFC 2831 §2.1.1: integrity and privacy layers are not offered; TLS does that.
  std::string challenge() const;
  struct Names {
    std::string username, authzid;  // as the client wrote them, in UTF-8
  };
  // §2.1.2; the nonce, its first use, the realm and the service must be those of the challenge.
  std::variant<Names, SaslError> read(std::string_view response);
  // What answers the client ("rspauth=..."), when it knows the password; in constant time.
  std::optional<std::string> finish(std::string_view password) const;

 private:
  std::string response_for(std::string_view password, std::string_view method) const;

  const std::string domain_, nonce_;
  std::string username_, realm_, cnonce_, uri_, response_, authzid_;
};

}  // namespace jackdaw
