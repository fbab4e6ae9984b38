// Reading UTF-8 (RFC 3629) one character at a time, and escaping what must not reach a terminal.
// SPDX-License-Identifier: Apache-2.0
#include "settings/printable.h"

#include <fmt/format.h>

#include <cstdint>

namespace jackdaw {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 1;
  bool broken = false;
};

std::size_t size_by_first_byte(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

// The first character of a text that is not empty. RFC 3629 §3: no overlong forms, no surrogates, at most U+10FFFF.
Character first_character(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  std::size_t size = size_by_first_byte(first);
  if (size == 1) return {.code = first};
  if (size == 0 || size > text.size()) return {.code = first, .broken = true};
  std::uint32_t code = first & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {.code = first, .broken = true};
    code = code << 6 | (next & 0x3fu);
  }
  bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {.code = first, .broken = true};
  return {.code = code, .size = size};
}

bool is_control(std::uint32_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }

// Line and paragraph separators, the marks that change the direction of what follows, and what XML does not carry.
bool is_mark(std::uint32_t code) {
  return code == 0x61c || (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff || code == 0xfffe || code == 0xffff;
}

std::string escaped(const Character& character) {
  if (character.code == '\n' && !character.broken) return "\\n";
  if (character.code == '\t' && !character.broken) return "\\t";
  if (character.broken || character.code < 0x80) return fmt::format("\\x{:02x}", character.code);
  return fmt::format("\\u{{{:x}}}", character.code);
}

std::string_view flaw_of(std::string_view text, std::string_view controls_allowed) {
  while (!text.empty()) {
    Character character = first_character(text);
    if (character.broken) return "not UTF-8";
    if (is_control(character.code) && controls_allowed.find(text[0]) == std::string_view::npos) {
      return "has a control character";
    }
    text.remove_prefix(character.size);
  }
  return {};
}

}  // namespace

std::string printable(std::string_view text, std::size_t longest) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= longest) return out + "...";
    Character character = first_character(text);
    if (character.broken || is_control(character.code) || is_mark(character.code)) {
      out += escaped(character);
    } else {
      out += text.substr(0, character.size);
    }
    text.remove_prefix(character.size);
  }
  return out;
}

std::string_view flaw_of_text(std::string_view text) { return flaw_of(text, "\n\t"); }

std::string_view flaw_of_item(std::string_view item) {
  if (item.empty()) return "has an empty item";
  if (item.find(',') != std::string_view::npos) return "has an item with a comma";
  constexpr std::string_view blanks = " \t";
  if (blanks.find(item.front()) != std::string_view::npos || blanks.find(item.back()) != std::string_view::npos) {
    return "has an item with a blank at its end";
  }
  return flaw_of(item, {});
}

std::string lower_case(std::string_view text) {
  std::string lower{text};
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace jackdaw
