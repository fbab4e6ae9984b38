// Start tags with their attributes, and end tags. A tag that a chunk ends in continues where it was left: no byte of a
// value or of white space is read twice, and of a name max_name_size bytes at most.
//
// Functions that read a token return true when it is read and p_ is behind it. False: it is unfinished, or error_ says
// why it is refused. Start reading at start_tag().
// SPDX-License-Identifier: Apache-2.0
#include "xml/reader.h"
#include "xml/scan.h"

namespace jackdaw {
namespace {

// A name with a prefix or with letters beyond ASCII, from `p`.
scan::Step unusual_name(const char*& p, const char* end, bool& prefixed) {
  for (bool first = true;;) {
    if (scan::class_of(*p) & (first ? scan::name_start : scan::name_char)) {
      p = scan::name_run(p + 1);
      first = false;
    } else if (static_cast<unsigned char>(*p) >= 0x80) {
      std::uint32_t code = 0;
      const auto step = scan::utf8(p, end, code);
      if (step != scan::Step::ok) return step;
      if (!scan::is_name_code(code)) return scan::Step::bad;
      first = false;
    } else if (*p == ':') {
      if (first || prefixed) return scan::Step::bad;
      ++p;
      prefixed = first = true;
    } else {
      if (p >= end) return scan::Step::more;
      return first ? scan::Step::bad : scan::Step::ok;
    }
  }
}

// A qualified name at `p` (Namespaces in XML 1.0 §4): moves behind it.
[[gnu::always_inline]] inline scan::Step qualified_name(const char*& p, const char* end, bool& prefixed) {
  const char* const from = p;
  prefixed = false;
  auto step = scan::Step::ok;
  if (scan::class_of(*p) & scan::name_start) p = scan::name_run(p + 1);
  const bool usual = p != from && *p != ':' && *p > 0;
  if (!usual) {
    p = from;
    step = unusual_name(p, end, prefixed);
  }
  return static_cast<std::size_t>(p - from) > max_name_size ? scan::Step::too_long : step;
}

// A well-formed name may still be longer than we take.
XmlError why_refused(scan::Step step) {
  return step == scan::Step::too_long ? XmlError::too_big : XmlError::not_well_formed;
}

const char* skip_spaces(const char* p) {
  while (scan::is_space(*p)) ++p;
  return p;
}

}  // namespace

bool XmlReader::suspend(Token token, const char* p) {
  token_ = token;
  seen_ = offset(p);
  return false;
}

bool XmlReader::continue_token() {
  const char* p = base_ + seen_;
  switch (token_) {
    case Token::none:
      return true;
    case Token::text:
      return read_text();
    case Token::cdata:
      return cdata();
    case Token::end_tag:
      return end_tag();
    case Token::between_attributes:
      return attributes(p);
    case Token::equals:
    case Token::quote:
    case Token::value:
      break;
  }
  return attribute(p, token_) && attributes(p);
}

bool XmlReader::start_tag() {
  const char* p = p_ + 1;
  bool prefixed = false;
  const auto step = qualified_name(p, end_, prefixed);
  if (step == scan::Step::more) return false;
  if (step != scan::Step::ok) return refuse(why_refused(step));
  if (scratch_->open.size() >= limits_.depth) return refuse(XmlError::too_deep);
  if (++elements_ > limits_.elements + 1) return refuse(XmlError::too_many_elements);
  tag_index_ = static_cast<std::uint32_t>(scratch_->tape.size());
  tag_attributes_ = tag_prefixed_ = 0;
  if (prefixed) plain_ = false;
  const auto name_size = static_cast<std::uint16_t>(p - p_ - 1);
  scratch_->tape.emplace_back(offset(p_ + 1), 0U, 0U, name_size, TapeKind::element,
                              prefixed ? tape_flag::prefixed : std::uint8_t{0});
  return attributes(p);
}

// What follows the name or an attribute: white space, attributes, the end of the tag.
bool XmlReader::attributes(const char* p) {
  for (;;) {
    if (*p == '>') return finish_tag(p + 1, false);
    const char* const before = p;
    p = *p == ' ' && scan::class_of(p[1]) & scan::name_start ? p + 1 : skip_spaces(p);
    // The plain form has one space before an attribute and none before '>'.
    if (p != before && (p - before != 1 || *before != ' ' || *p == '>')) plain_ = false;
    const char* const last_space = p == before ? p : p - 1;
    if (p >= end_) return suspend(Token::between_attributes, last_space);
    if (*p == '>') return finish_tag(p + 1, false);
    if (*p == '/') {
      if (p + 1 >= end_) return suspend(Token::between_attributes, last_space);
      return p[1] == '>' ? finish_tag(p + 2, true) : refuse(XmlError::not_well_formed);
    }
    if (p == before) return refuse(XmlError::not_well_formed);
    if (!attribute_name(p)) return error_ == XmlError::none ? suspend(Token::between_attributes, last_space) : false;
    if (!attribute(p, Token::equals)) return false;
  }
}

// Puts the attribute on the tape; its value is not known yet.
[[gnu::always_inline]] inline bool XmlReader::attribute_name(const char*& p) {
  const char* const name = p;
  bool prefixed = false;
  const auto step = qualified_name(p, end_, prefixed);
  if (step == scan::Step::more) return false;
  if (step != scan::Step::ok) return refuse(why_refused(step));
  if (++tag_attributes_ > max_attributes) return refuse(XmlError::too_many_attributes);
  // In place, as are all entries: one that is built elsewhere and moved here stalls the processor.
  auto& a = scratch_->tape.emplace_back(offset(name), 0U, 0U, static_cast<std::uint16_t>(p - name), TapeKind::attribute,
                                        std::uint8_t{0});
  const std::string_view text{name, a.name_size};
  if (text == "xmlns" || text.starts_with("xmlns:")) {
    a.flags = tape_flag::declaration;
  } else if (prefixed && !text.starts_with("xml:")) {
    a.flags = tape_flag::prefixed;
    ++tag_prefixed_;
  }
  return true;
}

// The rest of the attribute that is the last on the tape. White space around '=' is legal, and not plain.
[[gnu::always_inline]] inline bool XmlReader::attribute(const char*& p, Token from) {
  if (from == Token::equals) {
    if (scan::is_space(*p)) plain_ = false;
    p = skip_spaces(p);
    if (p >= end_) return suspend(Token::equals, p);
    if (*p != '=') return refuse(XmlError::not_well_formed);
    ++p;
  }
  if (from != Token::value) {
    if (scan::is_space(*p)) plain_ = false;
    p = skip_spaces(p);
    if (p >= end_) return suspend(Token::quote, p);
    if (*p != '\'' && *p != '"') return refuse(XmlError::not_well_formed);
    scratch_->tape.back().end = offset(++p);
  }
  return attribute_value(p) && finish_attribute();
}

[[gnu::always_inline]] inline bool XmlReader::attribute_value(const char*& p) {
  auto& a = scratch_->tape.back();
  const char quote = base_[a.end - 1];
  for (;;) {
    p = scan::plain_run(p, quote);
    if (*p == quote) break;
    if (value_character(p, a.flags)) continue;
    return error_ == XmlError::none ? suspend(Token::value, p) : false;
  }
  a.next = offset(p);
  ++p;
  return true;
}

[[gnu::always_inline]] inline bool XmlReader::finish_attribute() {
  const auto& tape = scratch_->tape;
  const auto& a = tape.back();
  // XML 1.0 §3.1: no attribute twice.
  for (const auto* other = &tape[tag_index_ + 1]; other != &a; ++other)
    if (other->name_size == a.name_size && scan::same_bytes(base_ + other->at, base_ + a.at, a.name_size))
      return refuse(XmlError::not_well_formed);
  return !(a.flags & tape_flag::declaration) || declare(a);
}

[[gnu::always_inline]] inline bool XmlReader::finish_tag(const char* p, bool closed) {
  auto& tape = scratch_->tape;
  auto& element = tape[tag_index_];
  if ((element.flags & tape_flag::prefixed || tag_prefixed_) && !check_prefixes()) return false;
  p_ = p;
  token_ = Token::none;
  if (tag_index_ == 0) inside_at_ = inside_end_ = offset(p_);
  if (!closed) {
    scratch_->open.push_back(tag_index_);
    return true;
  }
  element.end = offset(p_);
  element.next = static_cast<std::uint32_t>(tape.size());
  auto& scope = scratch_->scope;
  while (!scope.empty() && scope.back().depth > scratch_->open.size()) scope.pop_back();
  return true;
}

bool XmlReader::end_tag() {
  auto& tape = scratch_->tape;
  auto& element = tape[scratch_->open.back()];
  const char* p = p_ + 2;
  if (token_ == Token::end_tag) {
    p = base_ + seen_;
  } else {
    const auto have = std::min<std::size_t>(element.name_size, static_cast<std::size_t>(end_ - p));
    if (!scan::same_bytes(p, base_ + element.at, have)) return refuse(XmlError::not_well_formed);
    if (have < element.name_size) return false;
    p += have;
  }
  if (scan::is_space(*p)) plain_ = false;
  p = skip_spaces(p);
  if (p >= end_) return suspend(Token::end_tag, p);
  if (*p != '>') return refuse(XmlError::not_well_formed);
  token_ = Token::none;
  inside_end_ = offset(p_);
  p_ = p + 1;
  element.end = offset(p_);
  element.next = static_cast<std::uint32_t>(tape.size());
  scratch_->open.pop_back();
  auto& scope = scratch_->scope;
  while (!scope.empty() && scope.back().depth > scratch_->open.size()) scope.pop_back();
  return true;
}

}  // namespace jackdaw
