// The tape: a flat index of one element's tags, attributes and text, beside its bytes (xml/tape.md has a worked
// example). Element is the view that everybody reads with.
//
// Bytes and tape are canonical: strict UTF-8, no prefixes on elements, no CDATA, no declaration from outside. A view is
// valid as long as both; it owns nothing. Any thread, as nothing changes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "xml/name.h"

namespace jackdaw {

enum class TapeKind : std::uint8_t { element, attribute, text };

namespace tape_flag {
constexpr std::uint8_t own_ns = 1;       // element: declares its default namespace itself
constexpr std::uint8_t declaration = 2;  // attribute: xmlns or xmlns:prefix
constexpr std::uint8_t references = 4;   // attribute, text: has & references to be decoded
constexpr std::uint8_t prefixed = 8;     // element, attribute: its name has a prefix
constexpr std::uint8_t cdata = 16;       // text: was a CDATA section (never on a canonical tape)
constexpr std::uint8_t odd = 32;         // attribute, text: has line ends or tabs that a parser normalises (likewise)
}  // namespace tape_flag

// 16 bytes. Offsets count from the first byte of the outermost element.
struct TapeEntry {
  std::uint32_t at;         // element, attribute: its name; text: its first byte
  std::uint32_t end;        // element: behind its last byte; attribute: its value; text: behind its last byte
  std::uint32_t next;       // element: index of the entry behind its last descendant; attribute: behind its value
  std::uint16_t name_size;  // element, attribute
  TapeKind kind;
  std::uint8_t flags;
};
static_assert(sizeof(TapeEntry) == 16);

// A view of one element.
class Element {
 public:
  Element() = default;
  // `inherited` is the default namespace around it.
  Element(const char* bytes, const TapeEntry* tape, std::uint32_t index, std::string_view inherited);

  explicit operator bool() const { return tape_ != nullptr; }

  Name name() const { return {ns_, local()}; }
  std::string_view ns() const { return ns_; }
  // Empty for no element.
  std::string_view local() const {
    return tape_ ? std::string_view{bytes_ + entry().at, entry().name_size} : std::string_view{};
  }
  bool is(Name name) const { return local() == name.local && ns_ == name.ns; }

  // The value of an attribute by its name as written ("type", "xml:lang"), references not decoded; null data when it is
  // not there.
  std::string_view raw_attribute(std::string_view name) const;
  bool has_attribute(std::string_view name) const { return raw_attribute(name).data() != nullptr; }
  // The decoded value; empty when it is not there.
  std::string attribute(std::string_view name) const;

  // The character data directly inside, decoded.
  std::string text() const;

  // Child elements, in order: for (Element c = e.first_child(); c; c = c.next_sibling()).
  Element first_child() const;
  Element next_sibling() const;
  // The first child of that name; false when there is none.
  Element child(Name name) const;
  std::size_t count_children() const;

  // The bytes as they stand; they may lean on the namespace around them.
  std::string_view raw() const {
    return tape_ ? std::string_view{bytes_ + entry().at - 1, entry().end - entry().at + 1} : std::string_view{};
  }
  // A self-contained copy: declares its namespace itself.
  std::string xml() const;

 private:
  const TapeEntry& entry() const { return tape_[index_]; }
  std::uint32_t first_inside() const;
  Element at(std::uint32_t index, std::uint32_t limit, std::string_view inherited) const;

  const char* bytes_ = nullptr;
  const TapeEntry* tape_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t sibling_limit_ = 0;  // index behind the parent's last entry; 0 for the outermost
  std::string_view ns_;
  std::string_view inherited_;
};

// Appends `text` with the `special` characters written as references; as it stands for text and for attribute values.
// Special may be & < > ' " and the line ends and tabs.
void append_escaped(std::string& out, std::string_view text, std::string_view special = "&<>'\"\r");
std::string escaped(std::string_view text);
// Decodes the predefined and numeric references of canonical bytes.
std::string unescaped(std::string_view raw);

}  // namespace jackdaw
