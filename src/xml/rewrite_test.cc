// The two spellings that other files lean on. What elements become is tested through the reader (reader_test.cc).
// SPDX-License-Identifier: Apache-2.0
#include "xml/rewrite.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

// XML 1.0 §2.11 and §3.3.3.
TEST(AttributeText, WhiteSpaceAndReferences) {
  EXPECT_EQ(attribute_text("a\tb\nc\rd\r\ne"), "a b c d e");
  EXPECT_EQ(attribute_text("a&#9;b&#xA;c&#13;d"), "a\tb\nc\rd");
  EXPECT_EQ(attribute_text("&#38;amp;"), "&amp;");
  EXPECT_EQ(attribute_text(""), "");
}

TEST(SpelledNamespace, ReadsBackAsItself) {
  const std::string_view ns = "urn:a&b<c>d'e\"f\tg\nh\ri";
  EXPECT_EQ(spelled_namespace(ns), "urn:a&amp;b&lt;c&gt;d&apos;e&quot;f&#9;g&#10;h&#13;i");
  EXPECT_EQ(attribute_text(spelled_namespace(ns)), ns);
  EXPECT_EQ(spelled_namespace("jabber:client"), "jabber:client");
}

// The limit stops the writing early: ten times the limit is never written.
TEST(Rewrite, StopsAtTheLimit) {
  ReaderScratch scratch;
  const std::string base = "<a/>";
  scratch.tape.push_back({1, 4, 10'001, 1, TapeKind::element, 0});
  for (std::uint32_t n = 1; n <= 10'000; ++n) scratch.tape.push_back({1, 4, n + 1, 1, TapeKind::element, 0});
  EXPECT_EQ(rewrite_element(scratch, base.data(), "", {}, 1000), XmlError::too_big);
  EXPECT_LT(scratch.rewritten.size(), 1100U);
  EXPECT_EQ(rewrite_element(scratch, base.data(), "", {}, 100'000), XmlError::none);
}

}  // namespace
}  // namespace jackdaw
