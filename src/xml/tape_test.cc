// The view of an element, and the tape beneath it as xml/tape.md shows it.
// SPDX-License-Identifier: Apache-2.0
#include "xml/tape.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "xml/reader.h"

namespace jackdaw {
namespace {

// Reads one element of a client stream and keeps it.
struct Read {
  ReaderScratch scratch;
  XmlReader reader;
  std::string padded;
  Element element;

  explicit Read(std::string_view xml) {
    feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
    EXPECT_EQ(reader.next(), XmlReader::Event::header);
    EXPECT_EQ(reader.next(), XmlReader::Event::need_more);
    feed(xml);
    EXPECT_EQ(reader.next(), XmlReader::Event::element) << name_of(reader.error());
    if (reader.error() == XmlError::none) element = reader.element();
  }

  void feed(std::string_view bytes) {
    padded.assign(bytes).append(XmlReader::padding, '\0');
    reader.feed(scratch, padded.data(), bytes.size());
  }
};

// A tape as tape.md prints it: "index kind name-or-text [at end next]".
std::vector<std::string> lines_of(const XmlReader& reader) {
  std::vector<std::string> lines;
  for (const auto& e : reader.element_tape()) {
    const bool text = e.kind == TapeKind::text;
    const auto shown = reader.element_bytes().substr(e.at, text ? e.end - e.at : e.name_size);
    std::string line = text ? "text " : e.kind == TapeKind::element ? "element " : "attribute ";
    line.append(shown).append(" ").append(std::to_string(e.at)).append(" ").append(std::to_string(e.end));
    if (!text) line.append(" ").append(std::to_string(e.next));
    if (e.flags & tape_flag::own_ns) line += " own_ns";
    if (e.flags & tape_flag::declaration) line += " declaration";
    if (e.flags & tape_flag::references) line += " references";
    lines.push_back(line);
  }
  return lines;
}

// The worked example of tape.md.
TEST(Tape, AsDocumented) {
  Read r("<message to='b@c'><body>Tea &amp; rum</body><x xmlns='urn:x'/></message>");
  EXPECT_EQ(lines_of(r.reader), (std::vector<std::string>{
                                    "element message 1 72 6",
                                    "attribute to 9 13 16",
                                    "element body 19 44 4",
                                    "text Tea &amp; rum 24 37 references",
                                    "element x 45 62 6 own_ns",
                                    "attribute xmlns 47 54 59 declaration",
                                }));
}

TEST(Element, NamesAndNamespaces) {
  Read r("<message><body/><x xmlns='urn:x'><y/><z xmlns=''/></x><body/></message>");
  EXPECT_TRUE(r.element.is({"jabber:client", "message"}));
  EXPECT_EQ(r.element.count_children(), 3U);
  const Element x = r.element.child({"urn:x", "x"});
  ASSERT_TRUE(x);
  EXPECT_TRUE(x.first_child().is({"urn:x", "y"}));
  EXPECT_TRUE(x.first_child().next_sibling().is({"", "z"}));
  EXPECT_FALSE(x.first_child().next_sibling().next_sibling());
  EXPECT_TRUE(x.next_sibling().is({"jabber:client", "body"}));
  EXPECT_FALSE(x.next_sibling().next_sibling());
  EXPECT_FALSE(r.element.next_sibling());
  EXPECT_FALSE(r.element.child({"urn:x", "body"}));
}

TEST(Element, Attributes) {
  Read r("<a b='1 &lt; &#50;' c=\"'\" d='' xml:lang='en'><e b='inner'/></a>");
  EXPECT_EQ(r.element.attribute("b"), "1 < 2");
  EXPECT_EQ(r.element.raw_attribute("b"), "1 &lt; &#50;");
  EXPECT_EQ(r.element.attribute("c"), "'");
  EXPECT_EQ(r.element.attribute("xml:lang"), "en");
  EXPECT_TRUE(r.element.has_attribute("d"));
  EXPECT_EQ(r.element.attribute("d"), "");
  EXPECT_FALSE(r.element.has_attribute("e"));
  EXPECT_FALSE(r.element.has_attribute("lang"));
}

TEST(Element, TextIsWhatStandsDirectlyInside) {
  Read r("<a>1<b>no</b>2 &gt; <c/>&#x1F426;</a>");
  EXPECT_EQ(r.element.text(), "12 > \xF0\x9F\x90\xA6");
  EXPECT_EQ(r.element.first_child().text(), "no");
  EXPECT_EQ(Read("<a/>").element.text(), "");
}

TEST(Element, XmlIsSelfContained) {
  Read r("<a><b c='1'><d/></b><e xmlns='it&apos;s'><f/></e></a>");
  const Element b = r.element.first_child(), e = b.next_sibling();
  EXPECT_EQ(b.raw(), "<b c='1'><d/></b>");
  EXPECT_EQ(b.xml(), "<b xmlns='jabber:client' c='1'><d/></b>");
  EXPECT_EQ(e.xml(), "<e xmlns='it&apos;s'><f/></e>");
  EXPECT_EQ(e.first_child().xml(), "<f xmlns='it&apos;s'/>");
  EXPECT_EQ(Read(b.xml()).element.first_child().ns(), "jabber:client");
}

TEST(Element, NothingIsSafe) {
  const Element none;
  EXPECT_FALSE(none);
  EXPECT_FALSE(none.first_child());
  EXPECT_FALSE(none.next_sibling());
  EXPECT_FALSE(none.has_attribute("a"));
  EXPECT_EQ(none.text(), "");
  EXPECT_EQ(none.local(), "");
  EXPECT_EQ(none.raw(), "");
  EXPECT_EQ(none.xml(), "");
}

TEST(Escape, BothWays) {
  const std::string text = "a<b>&'\"\r\n\t\xE2\x82\xAC";
  EXPECT_EQ(escaped(text), "a&lt;b&gt;&amp;&apos;&quot;&#13;\n\t\xE2\x82\xAC");
  EXPECT_EQ(unescaped(escaped(text)), text);
  EXPECT_EQ(unescaped("&#65;&#x42;&#xe4;&#x20AC;&#x1f426;"), "AB\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\xA6");
  EXPECT_EQ(unescaped(""), "");
}

}  // namespace
}  // namespace jackdaw
