// What is refused and why, by the section of RFC 6120 that says so, and the limits. However it is cut.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "xml/reader_test.h"

namespace jackdaw {
namespace {

// --- What is refused, by the section of RFC 6120 that says so.

struct Case {
  std::string_view bytes;
  XmlError why;
};

void expect_refused(const std::vector<Case>& cases) {
  for (const auto& [bytes, why] : cases)
    EXPECT_EQ(read_content(bytes), "error " + std::string(name_of(why)) + '\n') << bytes;
}

// §4.9.3.18 and §11.1.
TEST(Refused, RestrictedXml) {
  constexpr auto why = XmlError::restricted_xml;
  expect_refused({{"<!-- comment -->"sv, why},
                  {"<a><!-- comment --></a>"sv, why},
                  {"<?php ?>"sv, why},
                  {"<a><?target?></a>"sv, why},
                  {"<!DOCTYPE a>"sv, why},
                  {"<a><!DOCTYPE a></a>"sv, why},
                  {"<a>&nbsp;</a>"sv, why},
                  {"<a b='&lol9;'/>"sv, why},
                  {"<a>&averyveryverylongname;</a>"sv, why},
                  {"<a>&AMP;</a>"sv, why}});
}

// §4.9.3.13 and §11.3; the sections of XML 1.0.
TEST(Refused, NotWellFormed) {
  constexpr auto why = XmlError::not_well_formed;
  expect_refused({
      {"<a></b>"sv, why},
      {"<a></ab>"sv, why},
      {"<ab></a>"sv, why},
      {"<a><b></a></b>"sv, why},  // §3 element type match
      {"<a b='1' b='2'/>"sv, why},
      {"<a b/>"sv, why},
      {"<a b=1/>"sv, why},
      {"<a b='1'c='2'/>"sv, why},  // §3.1
      {"<a b='<'/>"sv, why},
      {"<a/b>"sv, why},
      {"<a / >"sv, why},
      {"< a/>"sv, why},
      {"<1/>"sv, why},
      {"<-/>"sv, why},
      {"<a !='1'/>"sv, why},
      {"<a></ a>"sv, why},
      {"<a></a b='1'>"sv, why},
      {"<>"sv, why},
      {"<a>]]></a>"sv, why},
      {"<a>x]]]></a>"sv, why},  // §2.4
      {"<a><!ELEMENT b></a>"sv, why},
      {"<a><![INCLUDE[]]></a>"sv, why},
      {"<a><![cdata[]]></a>"sv, why},
      {"<a>&</a>"sv, why},
      {"<a>& </a>"sv, why},
      {"<a>&amp</a>"sv, why},
      {"<a>&;</a>"sv, why},  // §4.1
      {"<a>&#;</a>"sv, why},
      {"<a>&#x;</a>"sv, why},
      {"<a>&#X41;</a>"sv, why},
      {"<a>&#4g;</a>"sv, why},
      {"<a>&#x2x"sv, why},
      {"<a>&\xFF"sv, why},
      {"<a>&1;</a>"sv, why},
      {"<a b='&'/>"sv, why},
  });
}

// §11.3: XML 1.0 §2.2, also when a reference names the character.
TEST(Refused, ForbiddenCharacters) {
  constexpr auto why = XmlError::not_well_formed;
  expect_refused({{"<a>\0</a>"sv, why},
                  {"<a>\x01</a>"sv, why},
                  {"<a>\x0B</a>"sv, why},
                  {"<a>\x1F</a>"sv, why},
                  {"<a b='\x08'/>"sv, why},
                  {"<a><![CDATA[\x02]]></a>"sv, why},
                  {"<a\x01/>"sv, why},
                  {"<a>&#0;</a>"sv, why},
                  {"<a>&#x1F;</a>"sv, why},
                  {"<a>&#xD800;</a>"sv, why},
                  {"<a>&#xFFFE;</a>"sv, why},
                  {"<a>&#x110000;</a>"sv, why},
                  {"<a>&#99999999999;</a>"sv, why},
                  {"<a>\xEF\xBF\xBE</a>"sv, why},
                  {"<a>\xEF\xBF\xBF</a>"sv, why},
                  {"\x01"sv, why}});
  EXPECT_EQ(same("<a>\x7F\xC2\x80\xEF\xBB\xBF\xEF\xBF\xBD\xF0\x9F\xBF\xBE\xF4\x8F\xBF\xBF</a>"), "same");
}

// §11.6: strict UTF-8 (RFC 3629).
TEST(Refused, MalformedUtf8) {
  for (auto bad :
       {"\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xE0\x80\x80"sv, "\xE0\x9F\xBF"sv, "\xED\xA0\x80"sv,
        "\xED\xBF\xBF"sv, "\xF0\x80\x80\x80"sv, "\xF0\x8F\xBF\xBF"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv,
        "\xFE"sv, "\xFF"sv, "\xC3"sv, "\xE2\x82"sv, "\xF0\x9F\x90"sv, "\xC3\xC3\xA4"sv}) {
    for (auto [before, behind] : {std::pair{"<a>"sv, "</a>"sv},
                                  {"<a b='"sv, "'/>"sv},
                                  {"<a><![CDATA["sv, "]]></a>"sv},
                                  {"<a"sv, "/>"sv},
                                  {"<a b"sv, "='1'/>"sv}})
      EXPECT_EQ(read_content(std::string(before).append(bad).append(behind)), "error not-well-formed\n") << before;
  }
}

// §4.9.3.2 and Namespaces in XML 1.0 §5: a prefix must be declared.
TEST(Refused, UndeclaredPrefixes) {
  constexpr auto why = XmlError::bad_namespace_prefix;
  expect_refused({{"<p:a/>"sv, why},
                  {"<a p:b='1'/>"sv, why},
                  {"<a><b xmlns:p='urn:p'/><p:c/></a>"sv, why},
                  {"<xmlns:a/>"sv, why},
                  {"<xml:a/>"sv, why}});
  EXPECT_EQ(read_content("<a xmlns:p='urn:p'/><p:a/>"), "<a xmlns:p='urn:p'/>\nerror bad-namespace-prefix\n");
}

// §11.3: namespace-well-formed (Namespaces in XML 1.0 §3, §4, §6.3).
TEST(Refused, NamespaceMalformed) {
  constexpr auto why = XmlError::not_well_formed;
  expect_refused({{"<a:b:c/>"sv, why},
                  {"<:a/>"sv, why},
                  {"<a:/>"sv, why},
                  {"<a :b='1'/>"sv, why},
                  {"<a b:='1'/>"sv, why},
                  {"<a xmlns:='urn:p'/>"sv, why},
                  {"<a xmlns:p=''/>"sv, why},
                  {"<a xmlns:1='urn:p'/>"sv, why},
                  {"<a xmlns:xmlns='urn:p'/>"sv, why},
                  {"<a xmlns:xml='urn:p'/>"sv, why},
                  {"<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>"sv, why},
                  {"<a xmlns='http://www.w3.org/XML/1998/namespace'/>"sv, why},
                  {"<a xmlns='http://www.w3.org/2000/xmlns/'/>"sv, why},
                  {"<a xmlns:p='http://www.w3.org/2000/xmlns&#47;'/>"sv, why},
                  {"<a xmlns:p='urn:1' xmlns:q='urn:1' p:b='1' q:b='2'/>"sv, why},
                  {"<a xmlns:p='urn:1' xmlns:q='urn:&#49;' p:b='1' q:b='2'/>"sv, why}});
  EXPECT_EQ(same("<a xmlns:p='urn:1' xmlns:q='urn:2' p:b='1' q:b='2' b='3'/>"), "same");
}

TEST(Refused, StaysRefused) {
  Connection c;
  c.read(header);
  EXPECT_EQ(c.read("<!---->"), "error restricted-xml\n");
  EXPECT_EQ(c.reader.next(), XmlReader::Event::error);
  c.reader.restart();
  EXPECT_EQ(c.read(header), "header http://etherx.jabber.org/streams stream\n");
}

// --- Limits.

TEST(Limits, Bytes) {
  const XmlLimits limits{.bytes = 1000};
  EXPECT_EQ(read_content("<a>" + times(993, "x") + "</a>", limits), "<a>" + times(993, "x") + "</a>\n");
  EXPECT_EQ(read_content("<a>" + times(994, "x") + "</a>", limits), "error stanza-too-big\n");
  EXPECT_EQ(read_content("<a>" + times(2000, "x"), limits), "error stanza-too-big\n");
  EXPECT_EQ(read_content("<a b='" + times(2000, "x"), limits), "error stanza-too-big\n");
  EXPECT_EQ(read_content("<a><![CDATA[" + times(2000, "x"), limits), "error stanza-too-big\n");
  EXPECT_EQ(read_content("<a" + times(2000, " "), limits), "error stanza-too-big\n");
  EXPECT_EQ(read_content("<a></a" + times(2000, " "), limits), "error stanza-too-big\n");
  EXPECT_EQ(read_content(times(1000, "<a/> "), limits), times(1000, "<a/>\n"));
}

// A long namespace behind a short prefix must not grow without bounds.
TEST(Limits, BytesOfThePlainForm) {
  const std::string open = "<a xmlns:p='" + times(1000, "n") + "'>";
  EXPECT_EQ(read_content(open + times(300, "<p:b/>") + "</a>"), "error stanza-too-big\n");
  EXPECT_EQ(read_content("<a><![CDATA[" + times(900, "&") + "]]></a>", {.bytes = 1000}), "error stanza-too-big\n");
}

TEST(Limits, Elements) {
  EXPECT_EQ(read_content("<a><b/><b/></a>", {.elements = 2}), "<a><b/><b/></a>\n");
  EXPECT_EQ(read_content("<a><b/><b><c/></b></a>", {.elements = 2}), "error too-many-elements\n");
}

TEST(Limits, Depth) {
  const XmlLimits limits{.depth = 3};
  EXPECT_EQ(read_content("<a><b><c/></b></a>", limits), "<a><b><c/></b></a>\n");
  EXPECT_EQ(read_content("<a><b><c><d/></c></b></a>", limits), "error too-deep\n");
}

TEST(Limits, Attributes) {
  std::string tag = "<a";
  for (std::size_t n = 0; n < max_attributes; ++n) tag += " b" + std::to_string(n) + "=''";
  EXPECT_EQ(same(tag + "/>"), "same");
  EXPECT_EQ(plain(tag + " c=''/>"), "error too-many-attributes");
}

TEST(Limits, Namespaces) {
  std::string open, close;
  for (std::size_t n = 2; n < max_declarations; ++n) open += "<a xmlns='u'>", close += "</a>";
  EXPECT_EQ(same(open + close), "same");
  EXPECT_EQ(plain(open + "<a xmlns='u'/>" + close), "error too-many-namespaces");
  EXPECT_EQ(same("<a xmlns='" + times(max_namespace_size, "u") + "'/>"), "same");
  EXPECT_EQ(plain("<a xmlns='" + times(max_namespace_size + 1, "u") + "'/>"), "error too-many-namespaces");
}

TEST(Limits, Names) {
  EXPECT_EQ(same("<" + times(max_name_size, "n") + "/>"), "same");
  EXPECT_EQ(plain("<" + times(max_name_size + 1, "n") + "/>"), "error stanza-too-big");
  EXPECT_EQ(plain("<" + times(max_name_size + 1, "n")), "error stanza-too-big");
  EXPECT_EQ(plain("<a " + times(max_name_size + 1, "n")), "error stanza-too-big");
}

}  // namespace
}  // namespace jackdaw
