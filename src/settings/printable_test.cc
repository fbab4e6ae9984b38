// Nothing that printable() lets through can break a line or a terminal.
// SPDX-License-Identifier: Apache-2.0
#include "settings/printable.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

TEST(Printable, PlainTextStays) {
  EXPECT_EQ(printable("c2s.idle = \"10m\""), "c2s.idle = \"10m\"");
  EXPECT_EQ(printable("bücher.example \xF0\x9F\x90\xA6"), "bücher.example \xF0\x9F\x90\xA6");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, ControlCharactersAreEscaped) {
  EXPECT_EQ(printable("a\nb\tc\x1b[31m\x7f"), "a\\nb\\tc\\x1b[31m\\x7f");
  EXPECT_EQ(printable(std::string_view{"\0", 1}), "\\x00");
  EXPECT_EQ(printable("\xC2\x9B"), "\\u{9b}");  // C1 control sequence introducer
  EXPECT_EQ(printable("\xEF\xBF\xBE"), "\\u{fffe}");
  EXPECT_EQ(printable("\xE2\x80\xAE\xE2\x80\xA8"), "\\u{202e}\\u{2028}");
}

TEST(Printable, BrokenUtf8IsEscapedByteByByte) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xC3"), "\\xc3");           // cut short
  EXPECT_EQ(printable("\xC0\x80"), "\\xc0\\x80");  // overlong
  EXPECT_EQ(printable("\xE0\x80\x80"), "\\xe0\\x80\\x80");
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xC3(x"), "\\xc3(x");
}

TEST(Printable, LongTextIsCut) {
  EXPECT_EQ(printable(std::string(1000, 'x'), 5), "xxxxx...");
  EXPECT_EQ(printable("12345", 5), "12345");
}

TEST(Printable, FlawsOfTextAndItems) {
  EXPECT_EQ(flaw_of_text("one\ntwo\tthree"), "");
  EXPECT_EQ(flaw_of_text("\x01"), "has a control character");
  EXPECT_EQ(flaw_of_text("\xC2\x85"), "has a control character");
  EXPECT_EQ(flaw_of_text("\xff"), "not UTF-8");
  EXPECT_EQ(flaw_of_item("a b"), "");
  EXPECT_EQ(flaw_of_item(""), "has an empty item");
  EXPECT_EQ(flaw_of_item("a,b"), "has an item with a comma");
  EXPECT_EQ(flaw_of_item(" a"), "has an item with a blank at its end");
  EXPECT_EQ(flaw_of_item("a\t"), "has an item with a blank at its end");
  EXPECT_EQ(flaw_of_item("a\nb"), "has a control character");
}

TEST(Printable, LowerCaseIsOfAsciiOnly) { EXPECT_EQ(lower_case("Example.ORG-Ü"), "example.org-Ü"); }

}  // namespace
}  // namespace jackdaw
