// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace jackdaw {

std::string IdMaker::make(TimePoint now) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count();
  last_ = std::max(last_ + 1, static_cast<std::uint64_t>(ms) << 16);
  return fmt::format("{:016x}{}", last_, random_token(8));
}

TimePoint time_of_id(std::string_view id) {
  constexpr std::size_t digits = 12;  // of 48 bits
  std::uint64_t ms = 0;
  if (id.size() < digits) return {};
  const std::string time{id.substr(0, digits)};
  const auto [end, error] = std::from_chars(time.data(), time.data() + digits, ms, 16);
  if (error != std::errc{} || end != time.data() + digits) return {};
  return TimePoint{std::chrono::milliseconds(ms)};
}

}  // namespace jackdaw
