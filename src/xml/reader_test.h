// A stream in a test: text goes in, whole or cut, and what the reader says of it comes out as lines.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "xml/reader.h"

namespace jackdaw {

using namespace std::string_view_literals;

inline constexpr std::string_view header =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:out='urn:out'>";
inline constexpr std::size_t whole = static_cast<std::size_t>(-1);

inline std::string times(std::size_t count, std::string_view text) {
  std::string result;
  while (count-- > 0) result += text;
  return result;
}

// One connection's reader. Chunks are copied, so that an overrun is seen by the sanitizer.
struct Connection {
  ReaderScratch scratch;
  XmlReader reader;
  std::string chunk;

  explicit Connection(XmlLimits limits = {}) : reader(limits) {}

  void feed(std::string_view bytes) {
    chunk.assign(bytes).append(1, '\0').append(XmlReader::padding - 1, '>');
    chunk.shrink_to_fit();
    reader.feed(scratch, chunk.data(), bytes.size());
  }

  // What next() says, as a line; empty for need_more.
  std::string event() {
    switch (reader.next()) {
      case XmlReader::Event::need_more:
        return {};
      case XmlReader::Event::header:
        return "header " + reader.header().ns + ' ' + reader.header().local + '\n';
      case XmlReader::Event::element:
        return std::string(reader.element_bytes()) + '\n';
      case XmlReader::Event::close:
        return "close\n";
      case XmlReader::Event::error:
        return "error " + std::string(name_of(reader.error())) + '\n';
    }
    return "no event\n";
  }

  // All events of a chunk; stops behind an error.
  std::string read(std::string_view bytes) {
    feed(bytes);
    std::string events;
    for (;;) {
      const std::string one = event();
      events += one;
      if (one.empty() || one.starts_with("error ")) return events;
    }
  }
};

// The events of `text` in chunks of `cut` bytes, one a line.
inline std::string read_all(std::string_view text, std::size_t cut = whole, XmlLimits limits = {}) {
  Connection connection(limits);
  std::string events;
  for (std::size_t from = 0; from < text.size(); from += std::min(cut, text.size() - from)) {
    events += connection.read(text.substr(from, cut));
    if (connection.reader.error() != XmlError::none) break;
  }
  return events;
}

// The events behind an ordinary header. However the text is cut, they are the same.
inline std::string read_content(std::string_view content, XmlLimits limits = {}) {
  const std::string text = std::string(header) + std::string(content);
  const std::string events = read_all(text, whole, limits);
  for (std::size_t cut : {1, 2, 3, 7, 16}) EXPECT_EQ(read_all(text, cut, limits), events) << "cut at " << cut;
  constexpr std::string_view first = "header http://etherx.jabber.org/streams stream\n";
  return events.starts_with(first) ? events.substr(first.size()) : events;
}

// What one element is forwarded as.
inline std::string plain(std::string_view element) {
  std::string events = read_content(element);
  if (events.ends_with('\n')) events.pop_back();
  return events;
}

inline std::string same(std::string_view element) { return plain(element) == element ? "same" : plain(element); }

}  // namespace jackdaw
