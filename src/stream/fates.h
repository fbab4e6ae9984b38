// Fates of what one session sent, counted in the order of sending: an <a/> or a reply leaves only when every earlier
// stanza's fate is known. Owns no memory while nothing is open.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace jackdaw {

constexpr std::string_view sm_ns = "urn:xmpp:sm:3";  // stream management, which acknowledges (XEP-0198)

// A count as `h` has it; empty when it is none.
inline std::optional<std::uint32_t> sm_count(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Fates {
 public:
  // The next stanza's number, from 0 on.
  std::uint32_t begin() {
    known_.push_back(0);
    return received() - 1;
  }
  // True when the number of stanzas whose fate is known without a gap has grown.
  bool settle(std::uint32_t number) {
    const std::uint32_t at = number - first_;
    if (at >= open()) return false;
    known_[head_ + at] = 1;
    if (at != 0) return false;
    while (head_ < known_.size() && known_[head_]) {
      ++head_;
      ++first_;
    }
    if (head_ == known_.size()) {
      if (known_.capacity() > 64) known_ = {};
      known_.clear();
      head_ = 0;
    } else if (head_ > 1024) {
      known_.erase(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return true;
  }

  std::uint32_t received() const { return first_ + static_cast<std::uint32_t>(open()); }
  std::uint32_t settled() const { return first_; }
  bool all_known() const { return known_.empty(); }
  std::size_t open() const { return known_.size() - head_; }

 private:
  std::uint32_t first_ = 0;  // so many are settled without a gap
  std::size_t head_ = 0;
  std::vector<std::uint8_t> known_;  // from head_ on: of the following
};

}  // namespace jackdaw
