// RFC 4616 §2: message = [authzid] NUL authcid NUL passwd. Start at parse_plain().
// SPDX-License-Identifier: Apache-2.0
#include "stream/plain.h"

#include "stream/sasl_text.h"

namespace jackdaw {
namespace {

constexpr SaslError malformed{SaslCondition::malformed_request, "not a PLAIN message"};

}  // namespace

std::variant<PlainMessage, SaslError> parse_plain(std::string_view message) {
  if (message.size() > largest_sasl_message) return malformed;
  const auto first = message.find('\0');
  if (first == message.npos) return malformed;
  const auto second = message.find('\0', first + 1);
  if (second == message.npos) return malformed;

  const auto authzid = message.substr(0, first);
  const auto authcid = message.substr(first + 1, second - first - 1);
  const auto password = message.substr(second + 1);
  // RFC 4616 §2: authcid and passwd are 1*SAFE, and SAFE is UTF-8 without NUL; so a third NUL is refused here too.
  if (authcid.empty() || password.empty()) return malformed;
  if (!is_sasl_text(authzid) || !is_sasl_text(authcid) || !is_sasl_text(password)) return malformed;
  return PlainMessage{.authzid{authzid}, .authcid{authcid}, .password{password}};
}

}  // namespace jackdaw
