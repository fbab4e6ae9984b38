// Chunks of any size, and the memory between them.
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <vector>

#include "xml/reader_test.h"

namespace jackdaw {
namespace {

// Each of these would take minutes if any byte were read again for each byte that comes.
TEST(Chunks, ByteByByteIsLinear) {
  const XmlLimits limits{.bytes = 300 * 1024};
  constexpr std::size_t size = 256 * 1024;
  for (const std::string& xml :
       {"<a>" + times(size, "x") + "</a>", "<a b='" + times(size, ">") + "'/>", "<a>" + times(60'000, "<b/>") + "</a>",
        "<a><![CDATA[" + times(size, "]") + "]]></a>", "<a" + times(size, " ") + "/>",
        "<a b" + times(size, " ") + "=''/>", "<a b=" + times(size, " ") + "''/>", "<a></a" + times(size, " ") + ">",
        times(size, " ") + "<a/>"}) {
    const auto start = std::chrono::steady_clock::now();
    const std::string text = std::string(header) + xml;
    const std::string events = read_all(text, 1, limits);
    EXPECT_EQ(events, read_all(text, whole, limits));
    EXPECT_EQ(events.find("error"), events.npos);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    RecordProperty(std::string(xml.substr(0, 6)), static_cast<int>(took.count()));
  }
}

TEST(Memory, NoneBetweenElements) {
  Connection c;
  c.read(header);
  EXPECT_EQ(c.reader.memory(), 0U);
  EXPECT_EQ(c.read("<a/> <b>"), "<a/>\n");
  EXPECT_GT(c.reader.memory(), 0U);
  EXPECT_EQ(c.read("</b> "), "<b></b>\n");
  EXPECT_EQ(c.reader.memory(), 0U);
}

// A large element must not leave its memory to a small unfinished one behind it.
TEST(Memory, SmallForASmallRest) {
  Connection c;
  c.read(header);
  c.read("<a>" + times(50'000, "<b/>"));
  c.read(" ");
  EXPECT_GT(c.reader.memory(), 1'000'000U);
  c.read("</a><");
  EXPECT_LT(c.reader.memory(), 20'000U);
  EXPECT_EQ(c.read("b/>"), "<b/>\n");
  EXPECT_EQ(c.reader.memory(), 0U);
}

TEST(Memory, HeldBytesAreReadLater) {
  Connection c;
  c.read(header);
  c.feed("<a/><b/><c>x");
  EXPECT_EQ(c.event(), "<a/>\n");
  c.reader.hold();
  c.chunk.assign(c.chunk.size(), '!');
  ReaderScratch another_core;
  XmlReader moved = std::move(c.reader);
  c.reader = std::move(moved);
  c.reader.resume(another_core);
  EXPECT_EQ(c.event(), "<b/>\n");
  EXPECT_EQ(c.event(), "");
  EXPECT_EQ(c.read("</c>"), "<c>x</c>\n");
  EXPECT_EQ(c.reader.memory(), 0U);
}

// RFC 6120 §5.4.3.3: what was sent before TLS is not read behind it.
TEST(Memory, RestartForgets) {
  Connection c;
  c.read(header);
  c.feed("<starttls/><evil>");
  EXPECT_EQ(c.event(), "<starttls/>\n");
  c.reader.restart();
  EXPECT_EQ(c.reader.memory(), 0U);
  EXPECT_EQ(c.event(), "");
  EXPECT_EQ(c.read(header), "header http://etherx.jabber.org/streams stream\n");
}

// RFC 6120 §6.4.6: the next stream may have come with what ended this one.
TEST(Memory, TheNextStreamMayBeThere) {
  const std::string next = std::string(header) + "<b/>";
  for (std::size_t cut = 0; cut <= next.size(); ++cut) {
    Connection c;
    c.read(header);
    c.feed("<a/>\n " + next.substr(0, cut));
    EXPECT_EQ(c.event(), "<a/>\n");
    c.reader.hold();
    c.reader.begin_next();
    EXPECT_TRUE(c.reader.header().ns.empty());
    c.reader.resume(c.scratch);
    std::string found;
    for (std::string event; !(event = c.event()).empty();) found += event;
    found += c.read(next.substr(cut));
    EXPECT_EQ(found, "header http://etherx.jabber.org/streams stream\n<b/>\n") << cut;
    EXPECT_EQ(c.reader.memory(), 0U);
  }
}

TEST(Memory, ScratchIsSharedByReaders) {
  ReaderScratch scratch;
  std::vector<XmlReader> readers(3);
  const std::string text = std::string(header) + "<a b='1'>x<c xmlns='urn:c'/></a>";
  std::vector<std::string> found(readers.size());
  for (char byte : text) {
    const std::string chunk = std::string(1, byte).append(XmlReader::padding, '\0');
    for (std::size_t n = 0; n < readers.size(); ++n) {
      readers[n].feed(scratch, chunk.data(), 1);
      for (auto event = readers[n].next(); event != XmlReader::Event::need_more; event = readers[n].next()) {
        ASSERT_NE(event, XmlReader::Event::error);
        if (event == XmlReader::Event::element) found[n] = readers[n].element_bytes();
      }
    }
  }
  for (const auto& one : found) EXPECT_EQ(one, "<a b='1'>x<c xmlns='urn:c'/></a>");
}

}  // namespace
}  // namespace jackdaw
