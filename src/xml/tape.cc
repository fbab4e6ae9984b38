// SPDX-License-Identifier: Apache-2.0
#include "xml/tape.h"

#include "base/check.h"

namespace jackdaw {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xC0 | code >> 6), put(0x80 | (code & 63));
  if (code < 0x10000) return put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
  put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
}

// The reference between & and ;, which the reader has found valid.
void append_reference(std::string& out, std::string_view name) {
  if (name == "amp")
    out += '&';
  else if (name == "lt")
    out += '<';
  else if (name == "gt")
    out += '>';
  else if (name == "quot")
    out += '"';
  else if (name == "apos")
    out += '\'';
  else {
    const bool hex = name.size() > 1 && name[1] == 'x';
    append_utf8(out, static_cast<std::uint32_t>(std::strtoul(name.data() + (hex ? 2 : 1), nullptr, hex ? 16 : 10)));
  }
}

std::string_view reference_to(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '\'':
      return "&apos;";
    case '"':
      return "&quot;";
    case '\t':
      return "&#9;";
    case '\n':
      return "&#10;";
    case '\r':
      return "&#13;";
    default:
      throw Bug("no reference is known for this character");
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text, std::string_view special) {
  for (char c : text) {
    if (special.find(c) == special.npos)
      out += c;
    else
      out += reference_to(c);
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_escaped(out, text);
  return out;
}

std::string unescaped(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size();) {
    if (raw[i] != '&') {
      out += raw[i++];
      continue;
    }
    const auto end = raw.find(';', i);
    if (end == raw.npos) break;
    append_reference(out, raw.substr(i + 1, end - i - 1));
    i = end + 1;
  }
  return out;
}

Element::Element(const char* bytes, const TapeEntry* tape, std::uint32_t index, std::string_view inherited)
    : bytes_(bytes), tape_(tape), index_(index), ns_(inherited), inherited_(inherited) {
  if (!(entry().flags & tape_flag::own_ns)) return;
  for (std::uint32_t i = index + 1; i < entry().next && tape[i].kind == TapeKind::attribute; ++i)
    if (tape[i].name_size == 5 && tape[i].flags & tape_flag::declaration)
      ns_ = {bytes + tape[i].end, tape[i].next - tape[i].end};
}

std::string_view Element::raw_attribute(std::string_view name) const {
  if (!tape_) return {};
  for (std::uint32_t i = index_ + 1; i < entry().next && tape_[i].kind == TapeKind::attribute; ++i) {
    const auto& a = tape_[i];
    if (a.name_size == name.size() && std::string_view(bytes_ + a.at, a.name_size) == name)
      return {bytes_ + a.end, a.next - a.end};
  }
  return {};
}

std::string Element::attribute(std::string_view name) const {
  const auto raw = raw_attribute(name);
  return raw.find('&') == raw.npos ? std::string(raw) : unescaped(raw);
}

std::uint32_t Element::first_inside() const {
  std::uint32_t i = index_ + 1;
  while (i < entry().next && tape_[i].kind == TapeKind::attribute) ++i;
  return i;
}

std::string Element::text() const {
  std::string out;
  if (!tape_) return out;
  for (std::uint32_t i = first_inside(); i < entry().next;) {
    const auto& e = tape_[i];
    if (e.kind == TapeKind::element) {
      i = e.next;
      continue;
    }
    const std::string_view raw{bytes_ + e.at, e.end - e.at};
    if (e.flags & tape_flag::references)
      out += unescaped(raw);
    else
      out += raw;
    ++i;
  }
  return out;
}

Element Element::at(std::uint32_t index, std::uint32_t limit, std::string_view inherited) const {
  while (index < limit && tape_[index].kind != TapeKind::element) ++index;
  if (index >= limit) return {};
  Element found{bytes_, tape_, index, inherited};
  found.sibling_limit_ = limit;
  return found;
}

Element Element::first_child() const { return tape_ ? at(first_inside(), entry().next, ns_) : Element{}; }

Element Element::next_sibling() const { return tape_ ? at(entry().next, sibling_limit_, inherited_) : Element{}; }

Element Element::child(Name name) const {
  for (Element c = first_child(); c; c = c.next_sibling())
    if (c.is(name)) return c;
  return {};
}

std::size_t Element::count_children() const {
  std::size_t n = 0;
  for (Element c = first_child(); c; c = c.next_sibling()) ++n;
  return n;
}

std::string Element::xml() const {
  if (!tape_) return {};
  const auto bytes = raw();
  if (entry().flags & tape_flag::own_ns) return std::string(bytes);
  std::string out;
  out.reserve(bytes.size() + ns_.size() + 9);
  const std::size_t name_end = 1 + entry().name_size;
  // A namespace with a quote in it stands escaped on a canonical tape, so single quotes around it are safe.
  out.append(bytes.substr(0, name_end)).append(" xmlns='").append(ns_).append("'").append(bytes.substr(name_end));
  return out;
}

}  // namespace jackdaw
