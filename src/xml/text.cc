// Character data, CDATA and references, and the markup that is refused.
//
// Each function that reads a token returns true when it is read and p_ is behind it. False: it is unfinished and
// continues with the next chunk, or error_ says why it is refused.
// SPDX-License-Identifier: Apache-2.0
#include "xml/reader.h"
#include "xml/scan.h"

namespace jackdaw {

// RFC 6120 §11.1: comments, processing instructions and DTDs are refused; CDATA is rewritten.
bool XmlReader::markup() {
  if (p_[1] == '?') return refuse(XmlError::restricted_xml);
  constexpr std::string_view open = "<![CDATA[";
  const std::string_view have{p_, std::min(open.size(), static_cast<std::size_t>(end_ - p_))};
  if (have != open.substr(0, have.size()))
    return refuse(p_[2] == '-' || p_[2] == 'D' ? XmlError::restricted_xml : XmlError::not_well_formed);
  if (have.size() < open.size()) return false;
  // RFC 6120 §11.7: between first-level elements there is only white space.
  if (scratch_->open.empty()) return refuse(XmlError::not_well_formed);
  plain_ = false;
  seen_ = offset(p_) + open.size();
  return cdata();
}

bool XmlReader::cdata() {
  const char* p = base_ + seen_;
  for (;;) {
    p = scan::plain_run(p, ']');
    const auto c = static_cast<unsigned char>(*p);
    if (c == ']') {
      if (p[1] == ']' && p[2] == '>') break;
      if (end_ - p < 3 && (p + 1 == end_ || p[1] == ']')) return suspend(Token::cdata, p);
      ++p;
    } else if (c >= 0x80) {
      if (!read_utf8(p)) return suspend(Token::cdata, p);
    } else if (c == '<' || c == '&' || scan::is_space(*p)) {
      ++p;
    } else {
      return p < end_ ? refuse(XmlError::not_well_formed) : suspend(Token::cdata, p);
    }
  }
  const auto from = offset(p_) + 9;
  scratch_->tape.push_back({from, offset(p), 0, 0, TapeKind::text, tape_flag::cdata});
  p_ = p + 3;
  token_ = Token::none;
  return true;
}

// Character data up to the next '<'.
bool XmlReader::read_text() {
  if (token_ == Token::none) {
    text_at_ = offset(p_);
    text_flags_ = 0;
  }
  const char* p = p_;
  for (;;) {
    p = scan::plain_run(p, ']');
    if (*p == '<') break;
    if (text_character(p)) continue;
    token_ = Token::text;
    p_ = p;
    return false;
  }
  p_ = p;
  token_ = Token::none;
  if (offset(p) != text_at_)
    scratch_->tape.emplace_back(text_at_, offset(p), 0U, std::uint16_t{0}, TapeKind::text, text_flags_);
  return true;
}

// Whatever is not plain in a text, at `p`, which may be the end of the chunk.
bool XmlReader::text_character(const char*& p) {
  const auto c = static_cast<unsigned char>(*p);
  if (c >= 0x80) return read_utf8(p);
  if (c == '&') return read_reference(p, text_flags_);
  if (c == ']') {
    // XML 1.0 §2.4: ]]> stands in no text.
    if (p[1] == ']' && p[2] == '>') return refuse(XmlError::not_well_formed);
    if (end_ - p < 3 && (p + 1 == end_ || p[1] == ']')) return false;
  } else if (c == '\r') {
    text_flags_ |= tape_flag::odd;
    plain_ = false;
  } else if (c != '\n' && c != '\t') {
    return p < end_ ? refuse(XmlError::not_well_formed) : false;
  }
  ++p;
  return true;
}

// Whatever is not plain in an attribute's value.
bool XmlReader::value_character(const char*& p, std::uint8_t& flags) {
  const auto c = static_cast<unsigned char>(*p);
  if (c >= 0x80) return read_utf8(p);
  if (c == '&') return read_reference(p, flags);
  if (!scan::is_space(*p)) return p < end_ ? refuse(XmlError::not_well_formed) : false;
  flags |= tape_flag::odd;
  plain_ = false;
  ++p;
  return true;
}

bool XmlReader::read_reference(const char*& p, std::uint8_t& flags) {
  switch (scan::reference(p, end_)) {
    case scan::Reference::ok:
      flags |= tape_flag::references;
      return true;
    case scan::Reference::more:
      return false;
    case scan::Reference::malformed:
      return refuse(XmlError::not_well_formed);
    case scan::Reference::entity:
      break;
  }
  // RFC 6120 §11.1: no entity but the predefined five.
  return refuse(XmlError::restricted_xml);
}

// A run of characters beyond ASCII.
bool XmlReader::read_utf8(const char*& p) {
  do {
    std::uint32_t code = 0;
    const auto step = scan::utf8(p, end_, code);
    if (step == scan::Step::more) return false;
    if (step == scan::Step::bad) return refuse(XmlError::not_well_formed);
  } while (static_cast<unsigned char>(*p) >= 0x80);
  return true;
}

}  // namespace jackdaw
