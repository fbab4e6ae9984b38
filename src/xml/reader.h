// XmlReader: bytes of a stream to validated elements. The one reader for every entrance (RFC 6120 §11).
//
// Feed it chunks as they come; next() tells what they hold. What is legal but unusual is rewritten into the plain form
// (xml/rewrite.h), so that every conforming parser reads an element's bytes alike. Lives with its connection, is used
// on one core at a time, and owns no memory between complete elements. Start reading at XmlReader::next().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xml/tape.h"

namespace jackdaw {

constexpr std::string_view streams_ns = "http://etherx.jabber.org/streams";
constexpr std::string_view xml_ns = "http://www.w3.org/XML/1998/namespace";

// Why a reader refuses. The first group are RFC 6120 stream error conditions, the second are limits.
enum class XmlError {
  none,
  not_well_formed,
  text_between,          // first-level elements: more than white space
  restricted_xml,        // DTD, processing instruction, comment, entity reference
  bad_namespace_prefix,  // a prefix that is not declared
  unsupported_encoding,
  too_big,
  too_many_elements,
  too_deep,
  too_many_attributes,
  too_many_namespaces,
};
std::string_view name_of(XmlError error);

struct XmlLimits {
  std::uint32_t bytes = 256 * 1024;  // of one first-level element, also while it is rewritten, and of a stream header
  std::uint32_t elements = 65'536;   // children of all depths in one first-level element
  std::uint16_t depth = 256;         // of one first-level element
};
constexpr std::size_t max_attributes = 128;       // of one element
constexpr std::size_t max_declarations = 64;      // namespace declarations in scope
constexpr std::size_t max_namespace_size = 1024;  // bytes of a namespace name
constexpr std::size_t max_name_size = 1024;       // bytes of an element's or attribute's name

// What the stream header declared. References are decoded.
struct StreamHeader {
  std::string ns, local;   // of the root element
  std::string content_ns;  // its default namespace, spelled as in the plain form
  std::string to, from, id, version, lang;
};
inline const StreamHeader no_header;

// A namespace declaration in scope: `prefix` is empty for the default one.
struct Declaration {
  std::uint32_t prefix_at, prefix_size, ns_at, ns_size, depth;
};

// Working memory of a reader while it parses; one per core, borrowed by each feed.
struct ReaderScratch {
  std::vector<TapeEntry> tape;
  std::vector<std::uint32_t> open;  // indexes of the elements not closed yet
  std::vector<Declaration> scope;   // of the element being read
  std::string rewritten;
};

class XmlReader {
 public:
  enum class Event { need_more, header, element, close, error };

  explicit XmlReader(XmlLimits limits = {});
  ~XmlReader();
  XmlReader(XmlReader&&) noexcept;
  XmlReader& operator=(XmlReader&&) noexcept;

  // Behind a chunk there must be 16 readable bytes, the first of them 0: the parser stops there without counting.
  static constexpr std::size_t padding = 16;

  // Takes a padded chunk, which must stay until next() has answered need_more or hold() was called. Before that, next()
  // must have answered need_more for the chunk before.
  void feed(ReaderScratch& scratch, const char* bytes, std::size_t size);
  Event next();

  // Keeps what has not been read yet in the reader's own memory, so that the chunk may go.
  void hold();
  // Continues after hold(), on any core.
  void resume(ReaderScratch& scratch);
  // Throws away what has not been read yet (STARTTLS: RFC 6120 §5.4.3.3) and forgets the stream.
  void restart();
  // Forgets the stream, behind hold(): what has not been read yet, but for white space in front, begins the next one
  // (RFC 6120 §6.4.6).
  void begin_next();

  // After header; before it, empty.
  const StreamHeader& header() const { return header_ ? *header_ : no_header; }
  // Afterwards header() is gone: only what the reader needs is kept.
  void forget_header() { header_.reset(); }
  // The stream's default namespace, spelled as in the plain form.
  std::string_view content_ns() const { return content_ns_; }
  // After element: the element, and all of its bytes; until the next call.
  Element element() const;
  std::string_view element_bytes() const;
  std::span<const TapeEntry> element_tape() const { return {scratch_->tape.data(), scratch_->tape.size()}; }
  // Bytes between the outermost tags; empty for <a/>.
  std::string_view inside() const;

  XmlError error() const { return error_; }
  void set_limits(XmlLimits limits) { limits_ = limits; }
  // Bytes of its own memory: an unfinished element and its tape.
  std::size_t memory() const;

 private:
  struct Partial;
  struct Resolved;
  // Where the stream is.
  enum class Stage : std::uint8_t { start, prolog, open, closed };
  // The token that the last chunk ended in; everything behind `none` continues at seen_ (text: at p_).
  enum class Token : std::uint8_t { none, text, cdata, between_attributes, equals, quote, value, end_tag };

  // header.cc
  Event parse_prolog();
  Event parse_header();
  bool xml_declaration();
  void keep_header();

  // reader.cc
  Event parse_top();
  Event parse_close();
  Event parse_closed();
  Event parse_content();
  Event finish_element();
  Event reread_rewritten();
  Event need_more();
  Event stop() { return error_ == XmlError::none ? need_more() : Event::error; }
  Event fail(XmlError why);
  bool refuse(XmlError why);
  void begin_element();
  void keep_partial();

  // text.cc
  bool read_text();
  bool markup();
  bool cdata();
  bool text_character(const char*& p);
  bool value_character(const char*& p, std::uint8_t& flags);
  bool read_reference(const char*& p, std::uint8_t& flags);
  bool read_utf8(const char*& p);

  // tags.cc
  bool start_tag();
  bool end_tag();
  bool attributes(const char* p);
  bool attribute(const char*& p, Token from);
  bool attribute_name(const char*& p);
  bool attribute_value(const char*& p);
  bool finish_attribute();
  bool finish_tag(const char* p, bool closed);
  bool suspend(Token token, const char* p);
  bool continue_token();

  // namespaces.cc
  bool declare(const TapeEntry& a);
  bool is_plain_declaration(const TapeEntry& a, std::string_view prefix, std::string_view value) const;
  bool check_prefixes();
  bool check_attribute_prefixes(std::uint32_t depth);
  Resolved resolve(std::string_view prefix) const;

  std::string_view at(std::uint32_t offset, std::size_t size) const { return {base_ + offset, size}; }
  std::uint32_t offset(const char* p) const { return static_cast<std::uint32_t>(p - base_); }

  // Where things are while parsing. base_ is the first byte of the current first-level element (or of the header).
  ReaderScratch* scratch_ = nullptr;
  const char* base_ = nullptr;
  const char* p_ = nullptr;
  const char* end_ = nullptr;

  XmlLimits limits_;
  std::unique_ptr<StreamHeader> header_;
  std::string content_ns_;
  std::vector<std::pair<std::string, std::string>> declared_;  // by the header: prefixes and their namespaces, decoded
  std::unique_ptr<Partial> partial_;

  std::string closing_name_;  // of the root element, as it was written
  std::uint32_t elements_ = 0;
  std::uint32_t inside_at_ = 0, inside_end_ = 0;
  std::uint32_t seen_ = 0;            // how far an unfinished token has been read
  std::uint32_t text_at_ = 0;         // first byte of the text being read
  std::uint32_t tag_index_ = 0;       // on the tape, of the start tag being read
  std::uint16_t tag_attributes_ = 0;  // of it, declarations too
  std::uint16_t tag_prefixed_ = 0;    // of it: attributes with a prefix that are no declarations
  std::uint8_t text_flags_ = 0;
  XmlError error_ = XmlError::none;
  Stage stage_ = Stage::start;
  Token token_ = Token::none;
  bool in_element_ = false;  // or in the header
  bool plain_ = true;        // the element needs no rewriting
  bool rewritten_ = false;   // the element now stands in scratch_->rewritten
  bool from_partial_ = false;
  bool rereading_ = false;  // what is read is the plain form
};

}  // namespace jackdaw
