// The beginning of a stream: an XML declaration, white space, and the start tag of the root element (RFC 6120 §4.7).
// SPDX-License-Identifier: Apache-2.0
#include "xml/reader.h"
#include "xml/rewrite.h"
#include "xml/scan.h"

namespace jackdaw {
namespace {

// The rest of an XML declaration while it is read.
struct Declared {
  std::string_view rest;

  bool skip_spaces() {
    const auto size = rest.size();
    while (!rest.empty() && scan::is_space(rest.front())) rest.remove_prefix(1);
    return rest.size() != size;
  }
  bool skip(std::string_view word) {
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    return true;
  }

  // ` name='value'`: false when it is malformed; a null value when it is not there.
  bool read(std::string_view name, std::string_view& value) {
    const auto before = rest;
    value = {};
    if (!skip_spaces() || !skip(name)) {
      rest = before;
      return true;
    }
    skip_spaces();
    if (!skip("=")) return false;
    skip_spaces();
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"')) return false;
    const auto shut = rest.find(rest.front(), 1);
    if (shut == rest.npos) return false;
    value = rest.substr(1, shut - 1);
    rest.remove_prefix(shut + 1);
    return true;
  }
};

bool is_utf8(std::string_view encoding) {
  constexpr std::string_view lower = "utf-8";
  return std::equal(encoding.begin(), encoding.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// RFC 6120 §11.5 and §11.6; XML 1.0 §2.8 and §2.9.
XmlError check_declaration(std::string_view inside) {
  Declared left{inside};
  std::string_view version, encoding, standalone;
  if (!left.read("version", version) || !left.read("encoding", encoding) || !left.read("standalone", standalone))
    return XmlError::not_well_formed;
  left.skip_spaces();
  if (!left.rest.empty() || version != "1.0") return XmlError::not_well_formed;
  if (standalone.data() && standalone != "yes" && standalone != "no") return XmlError::not_well_formed;
  return !encoding.data() || is_utf8(encoding) ? XmlError::none : XmlError::unsupported_encoding;
}

}  // namespace

// Before the header. An XML declaration stands at the very first byte or nowhere.
XmlReader::Event XmlReader::parse_prolog() {
  if (p_ == end_) return need_more();
  if (stage_ == Stage::start) {
    // UTF-16 and UTF-32 begin with these bytes (RFC 6120 §11.6: UTF-8 only).
    const auto first = static_cast<unsigned char>(*p_);
    if (first == 0xFE || first == 0xFF || first == 0) return fail(XmlError::unsupported_encoding);
    if (*p_ != '<' && !scan::is_space(*p_)) return fail(XmlError::not_well_formed);
    if (end_ - p_ < 2) return need_more();
    if (p_[1] == '\0') return fail(XmlError::unsupported_encoding);
    constexpr std::string_view open = "<?xml";
    const std::string_view have{p_, std::min(open.size() + 1, static_cast<std::size_t>(end_ - p_))};
    if (have.size() <= open.size() && open.starts_with(have)) return need_more();
    if (have.starts_with(open) && scan::is_space(have.back()) && !xml_declaration()) return stop();
    stage_ = Stage::prolog;
  }
  while (scan::is_space(*p_)) ++p_;
  if (p_ == end_) return need_more();
  if (*p_ != '<') return fail(XmlError::not_well_formed);
  if (end_ - p_ < 2) return need_more();
  // RFC 6120 §11.1.
  if (p_[1] == '!' || p_[1] == '?') return fail(XmlError::restricted_xml);
  base_ = p_;
  begin_element();
  return parse_header();
}

// <?xml version='1.0' encoding='UTF-8'?>. False: unfinished, or refused.
bool XmlReader::xml_declaration() {
  constexpr std::size_t longest = 256;
  const std::string_view all{p_, std::min(longest, static_cast<std::size_t>(end_ - p_))};
  const auto close = all.find("?>");
  for (char c : all.substr(0, close))
    if (c < 0x20 && !scan::is_space(c)) return refuse(XmlError::not_well_formed);  // bytes beyond ASCII too
  if (close == all.npos) return all.size() == longest ? refuse(XmlError::not_well_formed) : false;
  const XmlError why = check_declaration(all.substr(5, close - 5));
  if (why != XmlError::none) return refuse(why);
  p_ += close + 2;
  return true;
}

XmlReader::Event XmlReader::parse_header() {
  if (!(token_ == Token::none ? start_tag() : continue_token())) return stop();
  // A root element that is empty is a stream that is over before it began.
  if (scratch_->open.empty()) return fail(XmlError::not_well_formed);
  if (static_cast<std::size_t>(p_ - base_) > limits_.bytes) return fail(XmlError::too_big);
  keep_header();
  in_element_ = false;
  stage_ = Stage::open;
  return Event::header;
}

// Takes over what the header declares, as its bytes will be gone.
void XmlReader::keep_header() {
  const auto& tape = scratch_->tape;
  closing_name_ = at(tape[0].at, tape[0].name_size);
  header_ = std::make_unique<StreamHeader>();
  StreamHeader& header = *header_;
  header.local = closing_name_.substr(closing_name_.find(':') + 1);
  const std::string prefix = closing_name_.substr(0, closing_name_.size() - header.local.size());
  for (const auto& a : std::span(tape).subspan(1)) {
    const auto name = at(a.at, a.name_size);
    const auto value = attribute_text(at(a.end, a.next - a.end));
    if (name == "to")
      header.to = value;
    else if (name == "from")
      header.from = value;
    else if (name == "id")
      header.id = value;
    else if (name == "version")
      header.version = value;
    else if (name == "xml:lang")
      header.lang = value;
    else if (name == "xmlns")
      header.content_ns = spelled_namespace(value);
    else if (a.flags & tape_flag::declaration)
      declared_.emplace_back(name.substr(6), value);
  }
  content_ns_ = header.content_ns;
  header.ns = prefix.empty() ? unescaped(content_ns_) : std::string{};
  for (const auto& [declared, ns] : declared_)
    if (declared.size() + 1 == prefix.size() && prefix.starts_with(declared)) header.ns = ns;
}

}  // namespace jackdaw
