// Sizes, hex and base64, constant-time comparison, random bytes of the system.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jackdaw {

constexpr std::int64_t operator""_KiB(unsigned long long n) { return static_cast<std::int64_t>(n) * 1024; }
constexpr std::int64_t operator""_MiB(unsigned long long n) { return static_cast<std::int64_t>(n) * 1024 * 1024; }

std::string to_hex(std::string_view bytes);
std::string to_base64(std::string_view bytes);
// Strict (RFC 4648 §4): padding where it belongs, no white space, no bits left over; empty optional otherwise.
std::optional<std::string> from_base64(std::string_view text);

// The time taken depends on the lengths only. Different lengths are unequal.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// From the system's generator (getrandom); for tokens, stream ids, nonces and keys.
std::string random_bytes(std::size_t size);
// `size` random bytes as lower-case hex.
std::string random_token(std::size_t size = 16);

std::string sha256(std::string_view bytes);
std::string sha1(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace jackdaw
