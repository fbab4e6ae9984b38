// ResumeId: names a session that may be resumed (XEP-0198 §5). 128 random bits of the system, so it cannot be guessed;
// on the wire in base64.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace jackdaw {

struct ResumeId {
  std::array<char, 16> bytes{};

  static ResumeId make() { return *of_bytes(random_bytes(16)); }
  // Empty when the text cannot be one of ours.
  static std::optional<ResumeId> parse(std::string_view text) {
    if (text.size() != 24) return std::nullopt;
    const auto decoded = from_base64(text);
    return decoded ? of_bytes(*decoded) : std::nullopt;
  }
  std::string text() const { return to_base64({bytes.data(), bytes.size()}); }
  bool operator==(const ResumeId&) const = default;

 private:
  static std::optional<ResumeId> of_bytes(std::string_view bytes) {
    ResumeId id;
    if (bytes.size() != id.bytes.size()) return std::nullopt;
    memcpy(id.bytes.data(), bytes.data(), bytes.size());
    return id;
  }
};

// Random bytes are their own hash: whoever asks for an id has no say in which are stored.
struct ResumeIdHash {
  using is_avalanching = void;
  std::size_t operator()(const ResumeId& id) const {
    std::size_t hash;
    memcpy(&hash, id.bytes.data(), sizeof hash);
    return hash;
  }
};

}  // namespace jackdaw
