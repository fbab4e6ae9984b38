// Any bytes as a stream: no crash, no byte read behind a chunk, and every limit kept.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "xml/reader.h"

namespace jackdaw {
namespace {

using Event = XmlReader::Event;

void require(bool holds) {
  if (!holds) std::abort();
}

// A chunk of its own allocation. Behind it stand a 0 and bytes that mislead who reads them.
std::unique_ptr<char[]> padded(std::string_view bytes) {
  std::unique_ptr<char[]> chunk(new char[bytes.size() + XmlReader::padding]);
  bytes.copy(chunk.get(), bytes.size());
  chunk[bytes.size()] = '\0';
  for (std::size_t i = 1; i < XmlReader::padding; ++i) chunk[bytes.size() + i] = ">]'\xBF"[i % 4];
  return chunk;
}

// Walks all that a view offers, down to `depth`; returns the number of elements.
std::size_t look_at(const Element& element, std::size_t depth) {
  require(depth > 0 && element.raw().starts_with("<") && element.raw().ends_with(">"));
  require(element.text().size() <= element.raw().size() && !element.local().empty());
  require(element.attribute("id").size() <= element.raw_attribute("id").size());
  require(element.xml().size() >= element.raw().size());
  std::size_t count = 1;
  for (Element c = element.first_child(); c; c = c.next_sibling()) count += look_at(c, depth - 1);
  return count;
}

void check_element(const XmlReader& reader, const XmlLimits& limits) {
  require(reader.element_bytes().size() <= limits.bytes);
  require(reader.element_bytes() == reader.element().raw());
  require(look_at(reader.element(), limits.depth) <= limits.elements + std::size_t{1});
  require(reader.inside().size() <= reader.element_bytes().size());
  for (const auto& entry : reader.element_tape()) require(!(entry.flags & (tape_flag::cdata | tape_flag::odd)));
}

// What `options` say: which limits, how long a chunk is, whether the rest of one is held and resumed.
void read(std::uint8_t options, std::string_view bytes) {
  const XmlLimits limits = options & 1 ? XmlLimits{.bytes = 200, .elements = 8, .depth = 4} : XmlLimits{};
  const std::size_t cut = options & 2 ? 1 + (options >> 4) : bytes.size();
  XmlReader reader(limits);
  ReaderScratch scratch[2];
  for (std::size_t from = 0, turn = 0; from < bytes.size(); from += cut) {
    const auto part = bytes.substr(from, cut);
    auto chunk = padded(part);
    reader.feed(scratch[turn % 2], chunk.get(), part.size());
    for (Event event = reader.next(); event != Event::need_more; event = reader.next()) {
      if (event == Event::error) return require(reader.error() != XmlError::none);
      if (event == Event::element) check_element(reader, limits);
      if (!(options & 4)) continue;
      reader.hold();
      chunk.reset();
      reader.resume(scratch[++turn % 2]);
    }
    require(reader.memory() <= 32 * (std::size_t{limits.bytes} + part.size()) + 16 * 1024);
  }
}

}  // namespace
}  // namespace jackdaw

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > 0) jackdaw::read(bytes[0], {reinterpret_cast<const char*>(bytes) + 1, size - 1});
  return 0;
}
