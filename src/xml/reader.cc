// The reader's life: chunks, first-level elements, the end of the stream. The header is read in header.cc.
// SPDX-License-Identifier: Apache-2.0
#include "xml/reader.h"

#include "base/check.h"
#include "xml/reader_partial.h"
#include "xml/rewrite.h"
#include "xml/scan.h"

namespace jackdaw {

std::string_view name_of(XmlError error) {
  static constexpr std::string_view names[] = {"none",
                                               "not-well-formed",
                                               "text-between",
                                               "restricted-xml",
                                               "bad-namespace-prefix",
                                               "unsupported-encoding",
                                               "stanza-too-big",
                                               "too-many-elements",
                                               "too-deep",
                                               "too-many-attributes",
                                               "too-many-namespaces"};
  return names[static_cast<int>(error)];
}

XmlReader::XmlReader(XmlLimits limits) : limits_(limits) {}
XmlReader::~XmlReader() = default;
XmlReader::XmlReader(XmlReader&&) noexcept = default;
XmlReader& XmlReader::operator=(XmlReader&&) noexcept = default;

std::size_t XmlReader::memory() const { return partial_ ? partial_->memory() : 0; }

void XmlReader::feed(ReaderScratch& scratch, const char* bytes, std::size_t size) {
  scratch_ = &scratch;
  from_partial_ = partial_ != nullptr;
  if (!from_partial_) {
    base_ = p_ = bytes;
    end_ = bytes + size;
    return;
  }
  Partial& kept = *partial_;
  kept.lend(scratch);
  kept.bytes.resize(kept.bytes.size() - padding);
  kept.bytes.append(bytes, size).append(padding, '\0');
  base_ = kept.bytes.data() + kept.begin;
  p_ = base_ + kept.read;
  end_ = kept.bytes.data() + kept.bytes.size() - padding;
}

void XmlReader::resume(ReaderScratch& scratch) { feed(scratch, "", 0); }

// What is read but unfinished and what is unread moves into (or stays in) the reader's own memory.
void XmlReader::keep_partial() {
  const auto size = static_cast<std::size_t>(end_ - base_);
  if (from_partial_) {
    const auto begin = static_cast<std::size_t>(base_ - partial_->bytes.data());
    const bool moved_on = begin != partial_->begin;
    partial_->take(*scratch_, in_element_);
    if (size == 0) return partial_.reset();
    if (moved_on) partial_->fit();
    partial_->read = static_cast<std::size_t>(p_ - base_);
    if (moved_on) partial_->drop_front(begin);
  } else if (size != 0) {
    partial_ = std::make_unique<Partial>();
    partial_->bytes.reserve(size + padding);
    partial_->bytes.append(base_, size).append(padding, '\0');
    partial_->read = static_cast<std::size_t>(p_ - base_);
    partial_->take(*scratch_, in_element_);
  }
}

void XmlReader::hold() {
  if (p_ == nullptr) return;
  if (!in_element_) base_ = p_;
  rewritten_ = false;
  keep_partial();
  base_ = p_ = end_ = nullptr;
}

XmlReader::Event XmlReader::need_more() {
  if (!in_element_) base_ = p_;
  if (static_cast<std::size_t>(end_ - base_) > limits_.bytes) return fail(XmlError::too_big);
  keep_partial();
  base_ = p_ = end_ = nullptr;
  return Event::need_more;
}

XmlReader::Event XmlReader::fail(XmlError why) {
  error_ = why;
  return Event::error;
}

bool XmlReader::refuse(XmlError why) {
  error_ = why;
  return false;
}

void XmlReader::restart() {
  XmlReader fresh(limits_);
  *this = std::move(fresh);
}

void XmlReader::begin_next() {
  check(p_ == nullptr && !in_element_, "a stream ends between two elements, and what is behind them is held");
  XmlReader fresh(limits_);
  if (partial_) {
    std::size_t& begin = partial_->begin;
    while (scan::is_space(partial_->bytes[begin])) ++begin;  // the padding is none
    if (begin + padding < partial_->bytes.size()) fresh.partial_ = std::move(partial_);
  }
  *this = std::move(fresh);
}

XmlReader::Event XmlReader::next() {
  if (error_ != XmlError::none) return Event::error;
  if (p_ == nullptr) return Event::need_more;
  rewritten_ = false;
  switch (stage_) {
    case Stage::start:
    case Stage::prolog:
      return in_element_ ? parse_header() : parse_prolog();
    case Stage::open:
      return in_element_ ? parse_content() : parse_top();
    case Stage::closed:
      return parse_closed();
  }
  return Event::error;
}

// Between first-level elements: white space (RFC 6120 §4.6.1), the next element, or the end of the stream.
XmlReader::Event XmlReader::parse_top() {
  while (scan::is_space(*p_)) ++p_;
  if (p_ == end_) return need_more();
  // RFC 6120 §11.7: between elements there is nothing but white space.
  if (*p_ != '<')
    return fail(static_cast<unsigned char>(*p_) < 0x20 ? XmlError::not_well_formed : XmlError::text_between);
  if (end_ - p_ < 2) return need_more();
  if (p_[1] == '/') return parse_close();
  base_ = p_;
  begin_element();
  return parse_content();
}

// RFC 6120 §4.4: the closing tag of the root element ends the stream.
XmlReader::Event XmlReader::parse_close() {
  constexpr std::ptrdiff_t longest = max_name_size + 64;  // some white space is allowed behind the name
  const auto have = std::min(closing_name_.size(), static_cast<std::size_t>(end_ - p_ - 2));
  if (memcmp(p_ + 2, closing_name_.data(), have) != 0) return fail(XmlError::not_well_formed);
  const char* p = p_ + 2 + have;
  if (have == closing_name_.size())
    while (p - p_ < longest && scan::is_space(*p)) ++p;
  if (p == end_) return need_more();
  if (*p != '>') return fail(XmlError::not_well_formed);
  p_ = p + 1;
  stage_ = Stage::closed;
  return Event::close;
}

XmlReader::Event XmlReader::parse_closed() {
  while (scan::is_space(*p_)) ++p_;
  return p_ == end_ ? need_more() : fail(XmlError::not_well_formed);
}

void XmlReader::begin_element() {
  in_element_ = true;
  scratch_->tape.clear();
  scratch_->open.clear();
  scratch_->scope.clear();
  elements_ = 0;
  token_ = Token::none;
  plain_ = true;
}

// Reads tokens until the first-level element is complete or the chunk is used up.
XmlReader::Event XmlReader::parse_content() {
  for (;;) {
    bool done = false;
    if (token_ != Token::none) {
      done = continue_token();
    } else if (*p_ != '<') {
      done = read_text();
    } else {
      const char second = p_[1];
      if (p_ + 1 >= end_) return need_more();
      if (second == '/')
        done = end_tag();
      else if (second == '!' || second == '?')
        done = markup();
      else
        done = start_tag();
    }
    if (!done) return stop();
    if (scratch_->open.empty()) return finish_element();
  }
}

XmlReader::Event XmlReader::finish_element() {
  in_element_ = false;
  if (static_cast<std::size_t>(p_ - base_) > limits_.bytes) return fail(XmlError::too_big);
  if (plain_ || rereading_) return Event::element;
  const XmlError why = rewrite_element(*scratch_, base_, unescaped(content_ns_), declared_, limits_.bytes);
  if (why != XmlError::none) return fail(why);
  rewritten_ = true;
  return reread_rewritten();
}

// The plain form is read like anything else, so that its tape cannot differ from its bytes.
XmlReader::Event XmlReader::reread_rewritten() {
  const char* const source_base = base_;
  const char* const source_p = p_;
  const char* const source_end = end_;
  auto& plain = scratch_->rewritten;
  const std::size_t size = plain.size();
  plain.append(padding, '\0');
  base_ = p_ = plain.data();
  end_ = base_ + size;
  begin_element();
  rereading_ = true;
  const Event read = parse_content();
  rereading_ = false;
  in_element_ = false;
  check(read != Event::need_more, "the plain form of an element is complete");
  base_ = source_base;
  p_ = source_p;
  end_ = source_end;
  return read;
}

Element XmlReader::element() const {
  const char* bytes = rewritten_ ? scratch_->rewritten.data() : base_;
  return {bytes, scratch_->tape.data(), 0, content_ns_};
}

std::string_view XmlReader::element_bytes() const {
  const auto& root = scratch_->tape.front();
  return {rewritten_ ? scratch_->rewritten.data() : base_, root.end};
}

std::string_view XmlReader::inside() const { return element_bytes().substr(inside_at_, inside_end_ - inside_at_); }

}  // namespace jackdaw
