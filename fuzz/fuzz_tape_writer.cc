// What the reader hands out is plain: read again, in a stream that declares nothing, it has the same bytes and the same
// tape; and each child written by itself is the same element in a stream of another namespace.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "xml/reader.h"

namespace jackdaw {
namespace {

using Event = XmlReader::Event;

void require(bool holds) {
  if (!holds) std::abort();
}

// A stream of its own.
struct Stream {
  XmlReader reader{XmlLimits{.bytes = 1 << 20}};
  ReaderScratch scratch;
  std::string padded;

  void feed(std::string_view bytes) {
    padded.assign(bytes).append(XmlReader::padding, '\0');
    reader.feed(scratch, padded.data(), bytes.size());
  }
  void open(std::string_view header) {
    feed(header);
    require(reader.next() == Event::header && reader.next() == Event::need_more);
  }
};

bool same_entry(const TapeEntry& a, const TapeEntry& b) {
  return a.at == b.at && a.end == b.end && a.next == b.next && a.name_size == b.name_size && a.kind == b.kind &&
         a.flags == b.flags;
}

void require_plain(const XmlReader& first) {
  Stream again;
  again.open("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
  const std::string bytes{first.element_bytes()};
  again.feed(bytes);
  require(again.reader.next() == Event::element);
  require(again.reader.element_bytes() == bytes && again.reader.element_bytes().data() == again.padded.data());
  require(again.reader.inside() == first.inside());
  require(std::ranges::equal(again.reader.element_tape(), first.element_tape(), same_entry));
}

void require_self_contained(const Element& element) {
  Stream other;
  other.open("<stream xmlns='urn:other'>");
  const std::string xml = element.xml();
  other.feed(xml);
  require(other.reader.next() == Event::element);
  const Element copy = other.reader.element();
  require(copy.is(element.name()) && copy.text() == element.text());
  require(copy.count_children() == element.count_children());
  require(copy.attribute("id") == element.attribute("id"));
}

void read(std::string_view bytes) {
  Stream source;
  source.open(
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
      "xmlns:o='urn:o&amp;&apos;'>");
  source.feed(bytes);
  while (source.reader.next() == Event::element) {
    require_plain(source.reader);
    const Element element = source.reader.element();
    require_self_contained(element);
    for (Element c = element.first_child(); c; c = c.next_sibling()) require_self_contained(c);
  }
}

}  // namespace
}  // namespace jackdaw

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  jackdaw::read({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
