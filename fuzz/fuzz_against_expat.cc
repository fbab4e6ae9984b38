// The reader against expat. What the reader accepts, expat accepts too, and sees the same names, namespaces, values and
// text in the source and in the plain form. What expat refuses, the reader refuses. What only the reader refuses is on
// the list in may_refuse().
// SPDX-License-Identifier: Apache-2.0
#include <expat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "xml/reader.h"
#include "xml/scan.h"

namespace jackdaw {
namespace {

using Event = XmlReader::Event;

constexpr char separator = '\x01';

void require(bool holds) {
  if (!holds) std::abort();
}

// Expands to the same line whoever has read the tag.
std::string start_line(std::string_view expanded_name, std::vector<std::string> attributes) {
  std::ranges::sort(attributes);
  std::string line = "<" + std::string(expanded_name);
  for (const auto& one : attributes) line += '\x02' + one;
  return line + ">\x03";
}

// Names as each edition of XML 1.0 has them, and not longer than the reader allows.
bool is_usual_name(std::string_view name) {
  if (name.size() > max_name_size) return false;
  for (const char *p = name.data(), *end = p + name.size(); p < end;) {
    std::uint32_t code = 0;
    if (static_cast<unsigned char>(*p) < 0x80)
      ++p;
    else if (scan::utf8(p, end, code) != scan::Step::ok || !scan::is_name_code(code))
      return false;
  }
  return true;
}

// What expat makes of a document.
struct Expat {
  std::vector<std::string> elements;  // of the first level, each as its events
  XML_Error error = XML_ERROR_NONE;
  bool unusual_names = false;
  bool text_between = false;  // other than literal white space, between first-level elements
  bool in_xml_namespace = false;
  bool ends_at_once = false;  // the root element was closed
  bool other_version = false;
  int depth = 0;
  std::string current;
  std::string_view document;
  XML_Parser parser = nullptr;

  void see_name(std::string_view expanded) {
    const auto local = expanded.substr(expanded.rfind(separator) + 1);
    if (!is_usual_name(local)) unusual_names = true;
  }

  static void XMLCALL on_start(void* self, const XML_Char* name, const XML_Char** attributes) {
    auto& e = *static_cast<Expat*>(self);
    e.see_name(name);
    if (std::string_view(name).starts_with(std::string(xml_ns) + separator)) e.in_xml_namespace = true;
    std::vector<std::string> seen;
    for (; *attributes; attributes += 2) {
      e.see_name(attributes[0]);
      seen.push_back(std::string(attributes[0]) + '=' + attributes[1]);
    }
    if (++e.depth > 1) e.current += start_line(name, std::move(seen));
  }
  static void XMLCALL on_end(void* self, const XML_Char*) {
    auto& e = *static_cast<Expat*>(self);
    e.current += "</>\x03";
    if (--e.depth == 1) e.elements.push_back(std::exchange(e.current, {}));
    if (e.depth == 0) e.ends_at_once = true;
  }
  static void XMLCALL on_text(void* self, const XML_Char* text, int size) {
    auto& e = *static_cast<Expat*>(self);
    const std::string_view characters{text, static_cast<std::size_t>(size)};
    if (e.depth > 1)
      e.current += characters;
    else if (characters.find_first_not_of(" \t\r\n") != characters.npos || e.at_reference())
      e.text_between = true;
  }
  static void XMLCALL on_cdata(void* self) {
    auto& e = *static_cast<Expat*>(self);
    if (e.depth == 1) e.text_between = true;
  }
  static void XMLCALL on_declaration(void* self, const XML_Char* version, const XML_Char*, int) {
    if (std::string_view(version ? version : "") != "1.0") static_cast<Expat*>(self)->other_version = true;
  }
  bool at_reference() const { return document[static_cast<std::size_t>(XML_GetCurrentByteIndex(parser))] == '&'; }
  static void XMLCALL on_prefix(void* self, const XML_Char* prefix, const XML_Char*) {
    if (prefix && !is_usual_name(prefix)) static_cast<Expat*>(self)->unusual_names = true;
  }
};

void parse(Expat& seen, std::string_view document) {
  XML_Parser parser = XML_ParserCreateNS(nullptr, separator);
  seen.parser = parser;
  seen.document = document;
  XML_SetUserData(parser, &seen);
  XML_SetStartCdataSectionHandler(parser, Expat::on_cdata);
  XML_SetElementHandler(parser, Expat::on_start, Expat::on_end);
  XML_SetCharacterDataHandler(parser, Expat::on_text);
  XML_SetXmlDeclHandler(parser, Expat::on_declaration);
  XML_SetStartNamespaceDeclHandler(parser, Expat::on_prefix);
  if (XML_Parse(parser, document.data(), static_cast<int>(document.size()), 1) != XML_STATUS_OK)
    seen.error = XML_GetErrorCode(parser);
  XML_ParserFree(parser);
}

// The document ends in the middle: nothing wrong up to here.
bool is_unfinished(XML_Error error) {
  return error == XML_ERROR_NO_ELEMENTS || error == XML_ERROR_UNCLOSED_TOKEN || error == XML_ERROR_PARTIAL_CHAR ||
         error == XML_ERROR_UNCLOSED_CDATA_SECTION;
}

// One element's events from its tape.
class TapeEvents {
 public:
  TapeEvents(const XmlReader& reader) : bytes_(reader.element_bytes()), tape_(reader.element_tape()) {}

  std::string read(const Element& element) {
    write(element, 0);
    return std::move(out_);
  }

 private:
  std::string_view at(std::size_t from, std::size_t to) const { return bytes_.substr(from, to - from); }

  std::string expanded(std::string_view ns, std::string_view local) const {
    return ns.empty() ? std::string(local) : std::string(ns) + separator + std::string(local);
  }

  // Of a prefix on the tag's own attributes; the plain form has it nowhere else.
  std::string declared(std::uint32_t element, std::string_view prefix) const {
    for (auto i = element + 1; i < tape_[element].next && tape_[i].kind == TapeKind::attribute; ++i)
      if (at(tape_[i].at, tape_[i].at + tape_[i].name_size) == "xmlns:" + std::string(prefix))
        return unescaped(at(tape_[i].end, tape_[i].next));
    require(prefix == "xml");
    return std::string(xml_ns);
  }

  std::uint32_t start(const Element& element, std::uint32_t index) {
    std::vector<std::string> attributes;
    auto i = index + 1;
    for (; i < tape_[index].next && tape_[i].kind == TapeKind::attribute; ++i) {
      if (tape_[i].flags & tape_flag::declaration) continue;
      const auto name = at(tape_[i].at, tape_[i].at + tape_[i].name_size);
      const auto colon = name.find(':');
      const auto ns = colon == name.npos ? std::string{} : declared(index, name.substr(0, colon));
      const auto value = unescaped(at(tape_[i].end, tape_[i].next));
      require(element.attribute(name) == value);
      attributes.push_back(expanded(ns, name.substr(colon + 1)) + '=' + value);
    }
    out_ += start_line(expanded(unescaped(element.ns()), element.local()), std::move(attributes));
    return i;
  }

  void write(const Element& element, std::uint32_t index) {
    require(tape_[index].kind == TapeKind::element);
    Element child = element.first_child();
    for (auto i = start(element, index); i < tape_[index].next;) {
      if (tape_[i].kind == TapeKind::text) {
        out_ += unescaped(at(tape_[i].at, tape_[i].end));
        ++i;
      } else {
        require(bool{child});
        write(child, i);
        child = child.next_sibling();
        i = tape_[i].next;
      }
    }
    require(!child);
    out_ += "</>\x03";
  }

  std::string_view bytes_;
  std::span<const TapeEntry> tape_;
  std::string out_;
};

// Why the reader may refuse what expat accepts: RFC 6120 §11 and the limits of reader.h and scan.h.
bool may_refuse(XmlError why, const Expat& seen, std::string_view document) {
  switch (why) {
    case XmlError::not_well_formed:
      // A CDATA section between stanzas, an empty stream, a byte order mark, XML 1.1, a very long reference or name.
      return seen.unusual_names || seen.text_between || seen.ends_at_once || document.starts_with("\xEF\xBB\xBF") ||
             document.find("&#0000000") != document.npos || document.find("&#x000000") != document.npos ||
             seen.other_version || (document.starts_with("<?xml") && document.find("?>") > 200);
    case XmlError::text_between:
      return seen.text_between;
    case XmlError::bad_namespace_prefix:
      return seen.in_xml_namespace;
    case XmlError::restricted_xml:
      return document.find("<!") != document.npos || document.find("<?") != document.npos;
    default:
      return why != XmlError::none;
  }
}

// The element in a stream of its own.
void require_same_plain(const XmlReader& reader, const std::string& events) {
  const std::string ns{reader.content_ns()};
  std::string document = "<s xmlns='" + ns + "'>";
  document.append(reader.element_bytes()).append("</s>");
  Expat again;
  parse(again, document);
  require(again.error == XML_ERROR_NONE && again.elements.size() == 1 && again.elements[0] == events);
}

void compare(std::string_view document) {
  Expat seen;
  parse(seen, document);
  XmlReader reader;
  ReaderScratch scratch;
  const std::string padded = std::string(document).append(XmlReader::padding, '\0');
  reader.feed(scratch, padded.data(), document.size());
  std::size_t count = 0;
  Event event = reader.next();
  for (; event != Event::need_more && event != Event::error; event = reader.next()) {
    if (event != Event::element) continue;
    require(count < seen.elements.size());
    const std::string events = TapeEvents(reader).read(reader.element());
    require(events == seen.elements[count++]);
    require_same_plain(reader, events);
  }
  const bool accepts = seen.error == XML_ERROR_NONE || is_unfinished(seen.error);
  if (event == Event::need_more) return require(accepts && count == seen.elements.size());
  // What expat has not read to the end of its token it has not judged.
  if (accepts && seen.error != XML_ERROR_UNCLOSED_TOKEN && seen.error != XML_ERROR_PARTIAL_CHAR)
    require(may_refuse(reader.error(), seen, document));
}

}  // namespace
}  // namespace jackdaw

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(bytes) + 1, size - 1};
  if (bytes[0] & 1) {
    jackdaw::compare(text);
  } else {
    jackdaw::compare("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>" +
                     std::string(text));
  }
  return 0;
}
