// Why a SASL negotiation failed (RFC 6120 §6.5), as the stream sends it inside <failure/>.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace jackdaw {

enum class SaslCondition {
  aborted,
  account_disabled,
  credentials_expired,
  encryption_required,
  incorrect_encoding,
  invalid_authzid,
  invalid_mechanism,
  malformed_request,
  mechanism_too_weak,
  not_authorized,
  temporary_auth_failure,
};

constexpr std::string_view wire_name(SaslCondition condition) {
  constexpr std::array<std::string_view, 11> names{"aborted",
                                                   "account-disabled",
                                                   "credentials-expired",
                                                   "encryption-required",
                                                   "incorrect-encoding",
                                                   "invalid-authzid",
                                                   "invalid-mechanism",
                                                   "malformed-request",
                                                   "mechanism-too-weak",
                                                   "not-authorized",
                                                   "temporary-auth-failure"};
  return names[static_cast<std::size_t>(condition)];
}

// `text` is for people; it looks at a literal and never tells whether the account exists.
struct SaslError {
  SaslCondition condition;
  std::string_view text;
};

}  // namespace jackdaw
