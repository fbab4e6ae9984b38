// What every SASL message of a client must be before its grammar is looked at: short, and clean UTF-8.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "xml/scan.h"

namespace jackdaw {

// A longer message is refused as malformed, whatever the mechanism.
constexpr std::size_t largest_sasl_message = 4096;

// Strict UTF-8 (RFC 3629) without NUL.
inline bool is_sasl_text(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  std::uint32_t code = 0;
  while (at < end) {
    if (*at == '\0') return false;
    if (static_cast<unsigned char>(*at) < 0x80) {
      ++at;
    } else if (scan::utf8(at, end, code) != scan::Step::ok) {
      return false;
    }
  }
  return true;
}

}  // namespace jackdaw
