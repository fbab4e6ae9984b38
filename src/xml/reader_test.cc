// The stream header, elements that stay as they are, and the plain form of those that do not.
// SPDX-License-Identifier: Apache-2.0
#include "xml/reader_test.h"

namespace jackdaw {
namespace {

// --- The stream header.

TEST(Header, SaysWhatItDeclares) {
  Connection c;
  EXPECT_EQ(c.read("<?xml version='1.0' encoding='UTF-8'?>\n<stream:stream from='a&amp;b' to='d' id='7' version='1.0'"
                   " xml:lang='de' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"),
            "header http://etherx.jabber.org/streams stream\n");
  const auto& h = c.reader.header();
  EXPECT_EQ(h.content_ns, "jabber:server");
  EXPECT_EQ(h.from, "a&b");
  EXPECT_EQ(h.to, "d");
  EXPECT_EQ(h.id, "7");
  EXPECT_EQ(h.version, "1.0");
  EXPECT_EQ(h.lang, "de");
  EXPECT_EQ(c.reader.memory(), 0U);
}

TEST(Header, WithoutPrefix) {
  EXPECT_EQ(read_all("<stream xmlns='http://etherx.jabber.org/streams'></stream >"),
            "header http://etherx.jabber.org/streams stream\nclose\n");
}

TEST(Header, DeclarationComesFirstOrNotAtAll) {
  for (auto ok : {"<?xml version='1.0'?>"sv, "<?xml version=\"1.0\" encoding='utf-8' ?>"sv,
                  "<?xml version = '1.0' encoding='UTF-8' standalone='yes'?> \r\n\t"sv, " "sv, ""sv})
    EXPECT_EQ(read_all(std::string(ok) + std::string(header), 1), "header http://etherx.jabber.org/streams stream\n")
        << ok;
  EXPECT_EQ(read_all(" <?xml version='1.0'?><a>"), "error restricted-xml\n");
  EXPECT_EQ(read_all("<?xml version='1.0'?><?xml version='1.0'?><a>"), "error restricted-xml\n");
  EXPECT_EQ(read_content("<?xml version='1.0'?>"), "error restricted-xml\n");
}

TEST(Header, MalformedDeclaration) {
  for (auto bad : {"<?xml ?><a>"sv, "<?xml encoding='UTF-8'?><a>"sv, "<?xml version='1.0' standalone='perhaps'?><a>"sv,
                   "<?xml version='1.0'encoding='UTF-8'?><a>"sv, "<?xml version='2.0'?><a>"sv,
                   "<?xml version='1.0' other='1'?><a>"sv, "<?xml version='1.0?><a>"sv})
    EXPECT_EQ(read_all(bad), "error not-well-formed\n") << bad;
  EXPECT_EQ(read_all("<?xml version='1.0'" + times(300, " ")), "error not-well-formed\n");
  EXPECT_EQ(read_all("<?xml versi\xE4"), "error not-well-formed\n");
}

// RFC 6120 §11.6 and §4.9.3.22: UTF-8 and nothing else.
TEST(Header, OtherEncodings) {
  EXPECT_EQ(read_all("\n\0"sv), "error unsupported-encoding\n");
  for (auto bad :
       {"<?xml version='1.0' encoding='UTF-16'?><a>"sv, "<?xml version='1.0' encoding='ISO-8859-1'?><a>"sv,
        "<?xml version='1.0' encoding='utf8'?><a>"sv, "\xFE\xFF\0<"sv, "\xFF\xFE<\0"sv, "\0<\0a"sv, "<\0a\0"sv})
    for (std::size_t cut : {whole, std::size_t{1}})
      EXPECT_EQ(read_all(bad, cut), "error unsupported-encoding\n") << bad;
}

// RFC 6120 §11.6: U+FEFF is a character, not a mark; and before the root element there are none.
TEST(Header, ByteOrderMark) { EXPECT_EQ(read_all("\xEF\xBB\xBF<a>"), "error not-well-formed\n"); }

TEST(Header, Refused) {
  EXPECT_EQ(read_all("<!DOCTYPE a><a>"), "error restricted-xml\n");
  EXPECT_EQ(read_all("<!-- c --><a>"), "error restricted-xml\n");
  EXPECT_EQ(read_all("GET / HTTP/1.1"), "error not-well-formed\n");
  EXPECT_EQ(read_all("<a xmlns='b'/>"), "error not-well-formed\n");
  EXPECT_EQ(read_all("<stream:stream>"), "error bad-namespace-prefix\n");
  EXPECT_EQ(read_all("<a b='1' b='2'>"), "error not-well-formed\n");
  EXPECT_EQ(read_all("<a b='" + times(2000, "x"), whole, {.bytes = 1000}), "error stanza-too-big\n");
  EXPECT_EQ(read_all("<a b='" + times(2000, "x"), 1, {.bytes = 1000}), "error stanza-too-big\n");
}

// RFC 6120 §4.4.
TEST(Close, EndsTheStream) {
  EXPECT_EQ(read_content("<a/> </stream:stream>"), "<a/>\nclose\n");
  EXPECT_EQ(read_content("</stream:stream \r\n> \n"), "close\n");
  EXPECT_EQ(read_content("</stream:stream><a/>"), "close\nerror not-well-formed\n");
  EXPECT_EQ(read_content("</stream>"), "error not-well-formed\n");
  EXPECT_EQ(read_content("</stream:str<"), "error not-well-formed\n");
  EXPECT_EQ(read_content("</stream:stream" + times(2000, " ")), "error not-well-formed\n");
}

// --- Elements that stay as they are.

TEST(Element, PlainStaysAsItIs) {
  for (auto xml :
       {"<a/>"sv, "<a />"sv, "<a></a>"sv, "<message to='juliet@example.com'><body>Hi</body></message>"sv,
        "<a b=\"it's\" c='\"'/>"sv, "<a>1 > 0 ] ]] ]&gt; \n\t</a>"sv, "<a b='&lt;&#10;&#x20AC;>'>&amp;</a>"sv,
        "<a xml:lang='en'/>"sv, "<message xmlns='jabber:client'/>"sv, "<a><b xmlns=''/></a>"sv,
        "<a xmlns:p='urn:p' p:b='1' b='2'/>"sv, "<\xC3\xA4 \xC3\xB6='\xE2\x82\xAC'>\xF0\x9F\x90\xA6</\xC3\xA4>"sv,
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:b='1'/>"sv, "<a.b-c_9/>"sv,
        "<a xmlns='it&apos;s'/>"sv})
    EXPECT_EQ(same(xml), "same");
}

TEST(Element, WhiteSpaceBetween) {
  EXPECT_EQ(read_content(" <a/>\r\n\t <b/> "), "<a/>\n<b/>\n");
  EXPECT_EQ(read_content("<a/>x<b/>"), "<a/>\nerror text-between\n");
  EXPECT_EQ(read_content("&#32;"), "error text-between\n");
  EXPECT_EQ(read_content("<![CDATA[ ]]>"), "error not-well-formed\n");
}

TEST(Element, Inside) {
  for (std::size_t cut : {whole, std::size_t{1}}) {
    Connection c;
    c.read(header);
    const auto inside = [&](std::string_view xml) -> std::string {
      for (std::size_t from = 0; from < xml.size(); from += std::min(cut, xml.size() - from)) {
        c.feed(xml.substr(from, cut));
        if (c.reader.next() == XmlReader::Event::element) {
          const std::string found{c.reader.inside()};
          c.reader.next();
          return found;
        }
      }
      return "no element";
    };
    EXPECT_EQ(inside("<a b='c'>d<e/>f</a>"), "d<e/>f");
    EXPECT_EQ(inside("<a/>"), "");
    EXPECT_EQ(inside("<a></a>"), "");
    EXPECT_EQ(inside("<a><![CDATA[<]]></a>"), "&lt;");
  }
}

// --- What is legal but unusual is written in the plain form.

TEST(Plain, CData) {
  EXPECT_EQ(plain("<a><![CDATA[<b>&amp;]]]]><![CDATA[>]]></a>"), "<a>&lt;b&gt;&amp;amp;]]&gt;</a>");
  EXPECT_EQ(plain("<a>x<![CDATA[]]>y</a>"), "<a>xy</a>");
  EXPECT_EQ(plain("<a><![CDATA[\xC3\xA4\r\n]]]></a>"), "<a>\xC3\xA4\n]</a>");
}

TEST(Plain, WhiteSpaceInTags) {
  EXPECT_EQ(plain("<a  b = '1'\n\tc\r=\"2\" ></a >"), "<a b='1' c='2'></a>");
  EXPECT_EQ(plain("<a ></a>"), "<a></a>");
  EXPECT_EQ(plain("<a\n/>"), "<a></a>");
}

// XML 1.0 §2.11 and §3.3.3.
TEST(Plain, LineEnds) {
  EXPECT_EQ(plain("<a>1\r\n2\r3\n</a>"), "<a>1\n2\n3\n</a>");
  EXPECT_EQ(plain("<a>1&#13;\r</a>"), "<a>1&#13;\n</a>");
  EXPECT_EQ(plain("<a b='1\t2\r\n3\r4\n5&#9;&#10;&#13;'/>"), "<a b='1 2 3 4 5&#9;&#10;&#13;'></a>");
  EXPECT_EQ(plain("<a b='&#9;\"&apos;&lt;>&quot;' ></a>"), "<a b='&#9;\"&apos;&lt;>\"'></a>");
}

TEST(Plain, PrefixedElements) {
  EXPECT_EQ(plain("<p:a xmlns:p='urn:p'><p:b/><c/></p:a>"),
            "<a xmlns='urn:p'><b></b><c xmlns='jabber:client'></c></a>");
  EXPECT_EQ(plain("<c:message xmlns:c='jabber:client'><c:body>Hi</c:body></c:message>"),
            "<message><body>Hi</body></message>");
  EXPECT_EQ(plain("<p:a xmlns:p='urn:p' xmlns='urn:d'><b/></p:a>"), "<a xmlns='urn:p'><b xmlns='urn:d'></b></a>");
  EXPECT_EQ(plain("<stream:features/>"), "<features xmlns='http://etherx.jabber.org/streams'></features>");
  EXPECT_EQ(plain("<a xmlns:p='urn:1'><p:b xmlns:p='urn:2'/><p:b/></a>"),
            "<a><b xmlns='urn:2'></b><b xmlns='urn:1'></b></a>");
}

TEST(Plain, PrefixesFromOutside) {
  EXPECT_EQ(plain("<a out:b='1'/>"), "<a xmlns:out='urn:out' out:b='1'></a>");
  EXPECT_EQ(plain("<a xmlns:p='urn:p'><b p:c='1' p:d='2'/></a>"), "<a><b xmlns:p='urn:p' p:c='1' p:d='2'></b></a>");
}

// So that a payload may travel between jabber:client and jabber:server (RFC 6120 §4.8.3).
TEST(Plain, ContentNamespaceIsNotNamedInside) {
  EXPECT_EQ(plain("<message><body xmlns='jabber:client'>Hi</body></message>"), "<message><body>Hi</body></message>");
  EXPECT_EQ(same("<a xmlns='urn:forward'><message xmlns='jabber:client'/></a>"), "same");
}

TEST(Plain, NamespacesHaveOneSpelling) {
  EXPECT_EQ(plain("<a xmlns='urn:&#97;'/>"), "<a xmlns='urn:a'></a>");
  EXPECT_EQ(plain("<a xmlns=\"it's\"/>"), "<a xmlns='it&apos;s'></a>");
  EXPECT_EQ(plain("<a xmlns='&#10;\t>'/>"), "<a xmlns='&#10; &gt;'></a>");
  EXPECT_EQ(plain("<a><b xmlns='jabber:&#99;lient'/></a>"), "<a><b></b></a>");
}

}  // namespace
}  // namespace jackdaw
