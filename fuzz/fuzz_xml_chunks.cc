// The same bytes cut differently give the same events, bytes and tapes.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "xml/reader.h"

namespace jackdaw {
namespace {

using Event = XmlReader::Event;

void append_number(std::string& out, std::uint64_t number) { out.append(std::to_string(number)).append(" "); }

void append_element(std::string& out, const XmlReader& reader) {
  out.append(reader.element_bytes()).append("\n").append(reader.inside()).append("\n");
  for (const auto& entry : reader.element_tape())
    for (std::uint64_t field :
         {std::uint64_t{entry.at}, std::uint64_t{entry.end}, std::uint64_t{entry.next}, std::uint64_t{entry.name_size},
          static_cast<std::uint64_t>(entry.kind), std::uint64_t{entry.flags}})
      append_number(out, field);
}

void append_header(std::string& out, const StreamHeader& header) {
  for (const auto* field : {&header.ns, &header.local, &header.content_ns, &header.to, &header.from, &header.id,
                            &header.version, &header.lang})
    out.append(*field).append("\n");
}

struct Reading {
  XmlLimits limits;
  XmlReader reader{limits};
  ReaderScratch scratch;
  std::string seen;

  // False: refused.
  bool chunk(std::string_view bytes) {
    const std::string padded = std::string(bytes).append(1, '\0').append(XmlReader::padding - 1, ']');
    reader.feed(scratch, padded.data(), bytes.size());
    for (Event event = reader.next(); event != Event::need_more; event = reader.next()) {
      append_number(seen, static_cast<std::uint64_t>(event));
      if (event == Event::element) append_element(seen, reader);
      if (event == Event::header) append_header(seen, reader.header());
      if (event == Event::error) return append_error(), false;
    }
    return true;
  }

  // Which of two errors of an element beyond the limit of bytes comes first depends on how much of it is there.
  void append_error() {
    if (limits.bytes == XmlLimits{}.bytes) seen += name_of(reader.error());
  }
};

std::string read(std::string_view bytes, std::uint32_t seed, XmlLimits limits) {
  Reading reading{.limits = limits};
  const std::uint32_t longest = seed % 29 + 1;
  while (!bytes.empty()) {
    seed = seed * 1664525U + 1013904223U;
    const auto part = bytes.substr(0, (seed >> 16) % longest + 1);
    if (!reading.chunk(part)) break;
    bytes.remove_prefix(part.size());
  }
  return reading.seen;
}

std::string read_whole(std::string_view bytes, XmlLimits limits) {
  Reading reading{.limits = limits};
  reading.chunk(bytes);
  return reading.seen;
}

}  // namespace
}  // namespace jackdaw

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text{reinterpret_cast<const char*>(bytes) + 2, size - 2};
  jackdaw::XmlLimits limits;
  if (bytes[1] & 1) limits = {.bytes = 150, .elements = 8, .depth = 4};
  const auto whole = jackdaw::read_whole(text, limits);
  if (jackdaw::read(text, bytes[0] * 256U + bytes[1], limits) != whole || jackdaw::read(text, 0, limits) != whole)
    std::abort();
  return 0;
}
