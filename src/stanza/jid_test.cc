// RFC 7622's own examples, PRECIS and IDNA2008 at their edges, and what must hold for every address.
// Long: the tables of RFC 7622 and RFC 8265 as they stand there.
// SPDX-License-Identifier: Apache-2.0
#include "stanza/jid.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace jackdaw {
namespace {

using namespace std::string_view_literals;

// What `text` becomes; "(none)" when it is no address.
std::string prepared(std::string_view text) {
  const auto jid = Jid::parse(text);
  return jid ? jid->text() : "(none)";
}

std::string local(std::string_view text) { return prepare_localpart(text).value_or("(none)"); }
std::string domain(std::string_view text) { return prepare_domainpart(text).value_or("(none)"); }
std::string resource(std::string_view text) { return prepare_resourcepart(text).value_or("(none)"); }

std::string times(std::size_t count, std::string_view text) {
  std::string result;
  while (count-- > 0) result += text;
  return result;
}

// RFC 7622 §3.5, table 1: example, localpart, domainpart, resourcepart.
TEST(Jid, TakesTheExamplesOfTable1) {
  struct Row {
    std::string_view text, localpart, domainpart, resourcepart;
  };
  const std::vector<Row> rows = {
      {"juliet@example.com", "juliet", "example.com", ""},
      {"juliet@example.com/foo", "juliet", "example.com", "foo"},
      {"juliet@example.com/foo bar", "juliet", "example.com", "foo bar"},
      {"juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"},
      {R"(foo\20bar@example.com)", R"(foo\20bar)", "example.com", ""},
      {"fussball@example.com", "fussball", "example.com", ""},
      {"fußball@example.com", "fußball", "example.com", ""},
      {"π@example.com", "π", "example.com", ""},
      {"Σ@example.com/foo", "σ", "example.com", "foo"},
      {"σ@example.com/foo", "σ", "example.com", "foo"},
      {"ς@example.com/foo", "ς", "example.com", "foo"},
      {"king@example.com/♚", "king", "example.com", "♚"},
      {"example.com", "", "example.com", ""},
      {"example.com/foobar", "", "example.com", "foobar"},
      {"a.example.com/b@example.net", "", "a.example.com", "b@example.net"},
  };
  for (const auto& row : rows) {
    const auto jid = Jid::parse(row.text);
    ASSERT_TRUE(jid) << row.text;
    EXPECT_EQ(jid->localpart(), row.localpart) << row.text;
    EXPECT_EQ(jid->domainpart(), row.domainpart) << row.text;
    EXPECT_EQ(jid->resourcepart(), row.resourcepart) << row.text;
    EXPECT_EQ(jid->has_localpart(), !row.localpart.empty()) << row.text;
    EXPECT_EQ(jid->is_full(), !row.resourcepart.empty()) << row.text;
  }
}

// RFC 7622 §3.5, table 2.
TEST(Jid, RefusesTheExamplesOfTable2) {
  for (const auto text : {"\"juliet\"@example.com", "foo bar@example.com", "@example.com/", "henryⅣ@example.com",
                          "♚@example.com", "juliet@", "/foobar"}) {
    EXPECT_EQ(prepared(text), "(none)") << text;
  }
}

// Erratum 4560 (verified) takes this row out of table 2: the OpaqueString profile allows a space in front.
TEST(Jid, TakesASpaceAtTheBeginningOfAResourcepart) {
  EXPECT_EQ(prepared("juliet@example.com/ foo"), "juliet@example.com/ foo");
}

TEST(Jid, NeedsSomethingOnBothSidesOfASeparator) {
  for (const auto text : {"", "@", "/", "@/", "@example.com", "juliet@/foo", "example.com/", "juliet@example.com/",
                          "juliet@romeo@example.com", ".", "example.com..", "..example.com", "a..b"}) {
    EXPECT_EQ(prepared(text), "(none)") << text;
    EXPECT_FALSE(is_prepared(text)) << text;
  }
}

TEST(Jid, SplitsAtTheFirstSlashAndThenTheFirstAt) {
  const auto jid = Jid::parse("mercutio@example.net//@//");
  ASSERT_TRUE(jid);
  EXPECT_EQ(jid->localpart(), "mercutio");
  EXPECT_EQ(jid->domainpart(), "example.net");
  EXPECT_EQ(jid->resourcepart(), "/@//");
}

TEST(Jid, IsOneAddressInAllFormsOfCaseAndWidth) {
  for (const auto text : {"juliet@example.com", "JULIET@EXAMPLE.COM", "Juliet@Example.Com.", "Ｊuliet@example.com",
                          "ＪＵＬＩＥＴ@ｅｘａｍｐｌｅ．ｃｏｍ", "juliet@example。com"}) {
    EXPECT_EQ(prepared(text), "juliet@example.com") << text;
  }
  EXPECT_EQ(prepared("ANDRÉ@BÜCHER.example"), prepared("andre\u0301@xn--bcher-kva.example"));
}

TEST(Jid, BelievesOnlyWellFormedUtf8) {
  const std::vector<std::string_view> malformed = {
      "\xC0\xAF",
      "\xE0\x80\xAF",
      "\xF0\x80\x80\xAF",  // overlong
      "\xED\xA0\x80",
      "\xED\xBF\xBF",
      "\xED\xA0\x81\xED\xB0\x80",  // surrogates
      "\xF4\x90\x80\x80",
      "\xF8\x88\x80\x80\x80",
      "\xFF",  // beyond U+10FFFF
      "\x80",
      "\xC3",
      "\xE2\x82",
      "\xF0\x9F\x98",  // alone, cut short
  };
  for (const auto bytes : malformed) {
    const std::string text = 'a' + std::string{bytes};
    EXPECT_EQ(local(text), "(none)") << testing::PrintToString(text);
    EXPECT_EQ(domain(text), "(none)") << testing::PrintToString(text);
    EXPECT_EQ(resource(text), "(none)") << testing::PrintToString(text);
    EXPECT_FALSE(prepare_password(text)) << testing::PrintToString(text);
    EXPECT_FALSE(is_prepared(text)) << testing::PrintToString(text);
  }
}

TEST(Jid, RefusesControlCharactersEverywhere) {
  for (const auto text : {"a\0b@example.com"sv, "a@exam\0ple.com"sv, "a@example.com/a\0b"sv, "a@example.com/\n"sv,
                          "a\x7F@example.com"sv, "a@example.com/\x7F"sv, "[::1\0]"sv}) {
    EXPECT_EQ(prepared(text), "(none)") << testing::PrintToString(text);
    EXPECT_FALSE(is_prepared(text)) << testing::PrintToString(text);
  }
}

TEST(Jid, CountsBytesAfterPreparation) {
  EXPECT_EQ(local(times(1023, "a")).size(), 1023);
  EXPECT_EQ(local(times(1024, "a")), "(none)");
  EXPECT_EQ(local(times(1023, "ａ")), times(1023, "a"));
  EXPECT_EQ(local(times(1024, "ａ")), "(none)");
  EXPECT_EQ(local(times(511, "é")).size(), 1022);
  EXPECT_EQ(local(times(512, "é")), "(none)");
  EXPECT_EQ(resource(times(1023, " ")).size(), 1023);
  EXPECT_EQ(resource(times(1024, "a")), "(none)");

  const auto localpart = times(1023, "a");
  const auto resourcepart = times(1023, "b");
  EXPECT_TRUE(is_prepared(localpart + "@c/" + resourcepart));
  EXPECT_TRUE(Jid::parse(localpart + "@c/" + resourcepart));
  EXPECT_FALSE(is_prepared('a' + localpart + "@c/" + resourcepart));
  EXPECT_FALSE(Jid::parse('a' + localpart + "@c/" + resourcepart));
  EXPECT_FALSE(is_prepared(localpart + "@c/" + resourcepart + 'b'));
  EXPECT_FALSE(Jid::parse(localpart + "@c/" + resourcepart + 'b'));
}

TEST(Jid, KeepsToTheLengthsOfDns) {
  EXPECT_EQ(domain(times(63, "a") + ".example").size(), 71);
  EXPECT_EQ(domain(times(64, "a") + ".example"), "(none)");
  const auto long_name = times(3, times(63, "a") + '.') + times(61, "b");  // 253
  EXPECT_EQ(domain(long_name), long_name);
  EXPECT_EQ(domain(long_name + '.'), long_name);
  EXPECT_TRUE(is_prepared(long_name));
  EXPECT_EQ(domain(long_name + 'b'), "(none)");
  EXPECT_FALSE(is_prepared(long_name + 'b'));
  EXPECT_EQ(domain(times(62, "ü") + ".example"), "(none)");  // 62 letters, but an A-label beyond 63
}

TEST(Localpart, TakesTheExamplesOfRfc8265) {
  // RFC 8265 §3.5, tables 3 and 4, without the at sign that RFC 7622 §3.3.1 takes away.
  EXPECT_EQ(local("fussball"), "fussball");
  EXPECT_EQ(local("fußball"), "fußball");
  EXPECT_EQ(local("π"), "π");
  EXPECT_EQ(local("Σ"), "σ");
  EXPECT_EQ(local("σ"), "σ");
  EXPECT_EQ(local("ς"), "ς");
  EXPECT_EQ(local("juliet@example.com"), "(none)");
  EXPECT_EQ(local("foo bar"), "(none)");
  EXPECT_EQ(local(""), "(none)");
  EXPECT_EQ(local("henryⅣ"), "(none)");
  EXPECT_EQ(local("♚"), "(none)");
}

TEST(Localpart, RefusesWhatRfc7622Excludes) {
  for (const auto text : {"\"", "&", "'", "/", ":", "<", ">", "@", "＠", "／", "＂", "a＆b", "a b", "a\u3000b"}) {
    EXPECT_EQ(local(text), "(none)") << text;
  }
  EXPECT_EQ(local("!#$%()*+,-.;=?[\\]^_`{|}~"), "!#$%()*+,-.;=?[\\]^_`{|}~");
}

TEST(Localpart, RefusesCompatibilityFormsOfLetters) {
  for (const auto text : {"ﬁn", "ſ", "\u212B", "\u2126", "①", "²", "ǅ", "\u1100\u1161"}) {
    EXPECT_EQ(local(text), "(none)") << text;
  }
}

TEST(Localpart, LowersByTheFullMapping) {
  EXPECT_EQ(local("İ"), "i\u0307");
  EXPECT_EQ(local("STRAẞE"), "straße");
  EXPECT_EQ(local("ΝΊΚΟΣ"), "νίκος");
  EXPECT_EQ(local("ｶﾞ"), "ガ");  // halfwidth kana with its mark
}

TEST(Localpart, KeepsTheBidiRule) {
  EXPECT_EQ(local("שלום"), "שלום");
  EXPECT_EQ(local("שלום1"), "שלום1");
  EXPECT_EQ(local("مرحبا"), "مرحبا");
  EXPECT_EQ(local("שלוםa"), "(none)");
  EXPECT_EQ(local("aשלום"), "(none)");
  EXPECT_EQ(local("1שלום"), "(none)");
  EXPECT_EQ(local("שלום-"), "(none)");
  EXPECT_EQ(local("ا1٢"), "(none)");  // European and Arabic digits
  EXPECT_EQ(local("٢"), "(none)");    // begins with no letter
}

TEST(Localpart, ChecksContexts) {
  EXPECT_EQ(local("l·l"), "l·l");
  EXPECT_EQ(local("COL·LA"), "col·la");
  EXPECT_EQ(local("a·b"), "(none)");
  EXPECT_EQ(local("·l"), "(none)");
  EXPECT_EQ(local("l·"), "(none)");
  EXPECT_EQ(local("\u0375α"), "\u0375α");
  EXPECT_EQ(local("\u0375a"), "(none)");
  EXPECT_EQ(local("א\u05F3"), "א\u05F3");
  EXPECT_EQ(local("\u05F3א"), "(none)");
  EXPECT_EQ(local("ア・イ"), "ア・イ");
  EXPECT_EQ(local("a・b"), "(none)");
  EXPECT_EQ(local("ا٠"), "ا٠");
  EXPECT_EQ(local("ا٠۰"), "(none)");
  EXPECT_EQ(local("क्\u200Dष"), "क्\u200Dष");  // joiner behind a virama
  EXPECT_EQ(local("क\u200Dष"), "(none)");
  EXPECT_EQ(local("می\u200Cخواهم"), "می\u200Cخواهم");  // non-joiner between joining letters
  EXPECT_EQ(local("a\u200Cb"), "(none)");
  EXPECT_EQ(local("\u200C"), "(none)");
}

TEST(Localpart, RefusesExceptionsAndWhatIsNoCharacter) {
  for (const auto text : {"\u0640", "\u3031", "\u303B", "\u00AD", "\u200B", "\uFEFF", "\uFFFE", "\uFDD0", "\uE000",
                          "\U000E0001", "\U0010FFFF", "\u0378", "\uFFFD", "a\u2028"}) {
    EXPECT_EQ(local(text), "(none)") << testing::PrintToString(text);
  }
  EXPECT_EQ(local("\u3007"), "\u3007");
  EXPECT_EQ(local("\U00020000"), "\U00020000");
}

TEST(Domainpart, IsIdna2008) {
  EXPECT_EQ(domain("EXAMPLE.com."), "example.com");
  EXPECT_EQ(domain("faß.de"), "faß.de");
  EXPECT_EQ(domain("xn--fa-hia.de"), "faß.de");
  EXPECT_EQ(domain("XN--FA-HIA.DE"), "faß.de");
  EXPECT_EQ(domain("bücher.example"), "bücher.example");
  EXPECT_EQ(domain("BU\u0308CHER.example"), "bücher.example");
  EXPECT_EQ(domain("xn--bcher-kva.example"), "bücher.example");
  EXPECT_EQ(domain("例え.テスト"), "例え.テスト");
  EXPECT_EQ(domain("xn--r8jz45g.xn--zckzah"), "例え.テスト");
  EXPECT_EQ(domain("l·l.example"), "l·l.example");
  EXPECT_EQ(domain("a·b.example"), "(none)");
}

TEST(Domainpart, RefusesWhatIsNoLabel) {
  for (const auto text : {
           "-a.example",
           "a-.example",
           "ab--c.example",
           "a_b.example",
           "a b.example",
           "a!.example",
           "☕.example",
           "♚.example",
           "xn--53h.example" /* ☕ */,
           "xn--.example",
           "xn--abc-.example",
           "ｘｎ－－abc－.example",
           "xn--a.example",
           "xn--\u00FC.example",
           "xn--bücher.example",
           "\u0308a.example",
           "a\u200Bb\u0378.example",
           "a\u2100b.example" /* a/c */,
           "a＠b.example",
           "a／b.example",
           "\u00AD",
           "a.\u00AD.b",
           "a。。b",
           "a.。",
           "\uFFFD.example",
           "xn--A-ecp.example",
           "a%b",
           "a:5222",
           "[::1",
       }) {
    EXPECT_EQ(domain(text), "(none)") << text;
    EXPECT_FALSE(is_prepared(text)) << text;
  }
}

TEST(Domainpart, KeepsTheBidiRuleAcrossLabels) {
  EXPECT_EQ(domain("אב.example"), "אב.example");
  EXPECT_EQ(domain("1a.example"), "1a.example");
  EXPECT_EQ(domain("1a.אב"), "(none)");
  EXPECT_EQ(domain("אבa.example"), "(none)");
}

TEST(Domainpart, MayBeAnAddressOfTheInternet) {
  EXPECT_EQ(domain("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(domain("１２７.0.0.1"), "127.0.0.1");
  EXPECT_EQ(domain("127.0.0.1.example"), "127.0.0.1.example");
  for (const auto text : {"127.0.0.256", "1.2.3", "1.2.3.4.5", "example.1", "1", "127.0.0.01"}) {
    EXPECT_EQ(domain(text), "(none)") << text;
    EXPECT_FALSE(is_prepared(text)) << text;
  }
  EXPECT_EQ(domain("[::1]"), "[::1]");
  EXPECT_EQ(domain("[2001:DB8:0:0:0:0:0:1]"), "[2001:db8::1]");
  EXPECT_EQ(prepared("juliet@[2001:db8::1]/foo"), "juliet@[2001:db8::1]/foo");
  for (const auto text :
       {"[", "[]", "[::1", "::1", "[::1].", "[::1%eth0]", "[v1.a]", "[127.0.0.1]", "a[::1]", "[::g]"}) {
    EXPECT_EQ(domain(text), "(none)") << text;
  }
}

TEST(Resourcepart, IsAnOpaqueString) {
  EXPECT_EQ(resource("Foo Bar"), "Foo Bar");
  EXPECT_EQ(resource("foo\u00A0bar\u3000"), "foo bar ");
  EXPECT_EQ(resource("e\u0301"), "é");
  EXPECT_EQ(resource("ＡΣﬁ"), "ＡΣﬁ");    // neither width nor case nor compatibility forms change
  EXPECT_EQ(resource("שלוםa"), "שלוםa");  // no Bidi Rule
  EXPECT_EQ(resource("😀"), "😀");
  EXPECT_EQ(resource(""), "(none)");
  EXPECT_EQ(resource("a\tb"), "(none)");
  EXPECT_EQ(resource("a\u200Bb"), "(none)");
  EXPECT_EQ(resource("a·b"), "(none)");
  EXPECT_EQ(resource("a\u0387b"), "(none)");  // NFC makes it the middle dot
  EXPECT_EQ(resource("l\u0387l"), "l·l");
}

TEST(Password, TakesTheExamplesOfRfc8265) {
  // RFC 8265 §4.3, tables 5 and 6.
  EXPECT_EQ(prepare_password("correct horse battery staple"), "correct horse battery staple");
  EXPECT_EQ(prepare_password("Correct Horse Battery Staple"), "Correct Horse Battery Staple");
  EXPECT_EQ(prepare_password("πßå"), "πßå");
  EXPECT_EQ(prepare_password("Jack of ♦s"), "Jack of ♦s");
  EXPECT_EQ(prepare_password("foo\u1680bar"), "foo bar");
  EXPECT_FALSE(prepare_password(""));
  EXPECT_FALSE(prepare_password("my cat is a \tby"));
  EXPECT_EQ(prepare_password(times(2000, "a")), times(2000, "a"));  // the limit of 1023 is for addresses
}

TEST(IsPrepared, LooksAtAscii) {
  for (const auto text : {"juliet@example.com", "juliet@example.com/Balcony 2/@", "example.com", "a", "a.b/c", "a--b",
                          "3com.example", "foo\\20bar@example.com", "a@b/~", "x.1a"}) {
    EXPECT_TRUE(is_prepared(text)) << text;
  }
  for (const auto text : {"Juliet@example.com",
                          "juliet@Example.com",
                          "juliet@example.com.",
                          "xn--bcher-kva.example",
                          "juliet@xn--bcher-kva",
                          "ab--c",
                          "-a",
                          "a-",
                          "a@-b",
                          "a@b-/c",
                          "a_b",
                          "a b@c",
                          "a:b@c",
                          "é@b",
                          "a@é",
                          "a@b/é",
                          "127.0.0.1",
                          "[::1]",
                          "a@b@c",
                          "a@b c"}) {
    EXPECT_FALSE(is_prepared(text)) << text;
  }
}

// The quick look and the whole way agree, on every byte in every part.
TEST(IsPrepared, NeverSaysYesToWhatPreparationChanges) {
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    for (const std::string& part : {std::string{byte}, std::string{'a', byte, 'b'}, std::string{'a', byte}}) {
      const bool separated = part.find_first_of("@/") != part.npos;
      EXPECT_TRUE(separated || !is_prepared(part + "@c") || local(part) == part) << value;
      EXPECT_TRUE(!is_prepared("c/" + part) || resource(part) == part) << value;
      EXPECT_TRUE(separated || !is_prepared(part) || domain(part) == part) << value;
      // And among ASCII it says yes whenever preparation changes nothing, but for addresses of the internet.
      EXPECT_TRUE(value >= 0x80 || separated || local(part) != part || is_prepared(part + "@c")) << value;
      EXPECT_TRUE(value >= 0x80 || resource(part) != part || is_prepared("c/" + part)) << value;
      EXPECT_TRUE(value >= 0x80 || separated || domain(part) != part || is_prepared(part)) << value;
    }
  }
}

TEST(Jid, StaysAsPrepared) {
  for (const auto text : {"ΣΑΣ@ΒΌΛΟΣ.example/Σ ", "Ｊｕｌｉｅｔ@faß.de/e\u0301", "İ@İ.example/İ", "ｶﾞ@例え。テスト",
                          "l·l@l·l.example/l·l", "a@[2001:DB8::0]/x", "می\u200Cخواهم@example.com", "각@각.example"}) {
    const auto once = Jid::parse(text);
    ASSERT_TRUE(once) << text;
    EXPECT_EQ(prepared(once->text()), once->text()) << text;
  }
}

TEST(Jid, ChangesItsResource) {
  const auto jid = Jid::parse("juliet@example.com/a");
  ASSERT_TRUE(jid);
  EXPECT_EQ(jid->with_resource("e\u0301")->text(), "juliet@example.com/é");
  EXPECT_EQ(Jid::parse("example.com")->with_resource("b/c")->text(), "example.com/b/c");
  EXPECT_FALSE(jid->with_resource(""));
  EXPECT_FALSE(jid->with_resource("\n"));
  EXPECT_FALSE(Jid{}.with_resource("a"));
  EXPECT_EQ(jid->bare().text(), "juliet@example.com");
}

TEST(BareJid, HasNoResource) {
  EXPECT_EQ(BareJid::parse("Juliet@example.com")->text(), "juliet@example.com");
  EXPECT_EQ(BareJid::parse("Example.com")->text(), "example.com");
  EXPECT_FALSE(BareJid::parse("juliet@example.com/a"));
  EXPECT_FALSE(BareJid::parse("juliet@example.com/"));
  EXPECT_FALSE(BareJid::parse(""));
}

TEST(Confusable, HasTheSkeletonOfItsLookalike) {
  EXPECT_EQ(skeleton_of("раураl"), skeleton_of("paypal"));  // Cyrillic, but for the l
  EXPECT_EQ(skeleton_of("ѕсоре"), skeleton_of("scope"));    // Cyrillic throughout
  EXPECT_EQ(skeleton_of("paypa1"), skeleton_of("paypal"));
  EXPECT_NE(skeleton_of("paypal"), skeleton_of("juliet"));
  EXPECT_EQ(skeleton_of(""), "");
}

TEST(Confusable, KnowsWhichScriptsMix) {
  for (const auto text : {"", "juliet", "juliet.2-x", "джульетта", "ιουλιέτα", "東京タワーのjuliet", "서울juliet漢字",
                          "שלום", "مرحبا", "café"}) {
    EXPECT_TRUE(is_single_script(text)) << text;
  }
  for (const auto text : {"раураl", "pаypal", "αbc", "жω", "שaлом"}) EXPECT_FALSE(is_single_script(text)) << text;
}

}  // namespace
}  // namespace jackdaw
