// RFC 4648 strictness, comparison, digests by their published examples.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

using namespace std::string_view_literals;

TEST(Bytes, HexIsLowerCaseAndTakesEveryByte) {
  EXPECT_EQ(to_hex(""), "");
  EXPECT_EQ(to_hex("\x00\x7f\x80\xff"sv), "007f80ff");
}

// RFC 4648 §10.
TEST(Bytes, Base64BothWays) {
  constexpr std::pair<std::string_view, std::string_view> examples[] = {{"", ""},
                                                                        {"f", "Zg=="},
                                                                        {"fo", "Zm8="},
                                                                        {"foo", "Zm9v"},
                                                                        {"foob", "Zm9vYg=="},
                                                                        {"fooba", "Zm9vYmE="},
                                                                        {"foobar", "Zm9vYmFy"},
                                                                        {"\xff\xef\xbe\x00"sv, "/+++AA=="}};
  for (const auto& [plain, text] : examples) {
    EXPECT_EQ(to_base64(plain), text);
    EXPECT_EQ(from_base64(text), plain);
  }
}

TEST(Bytes, Base64RefusesWhatIsNotExact) {
  for (const auto text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zg==Zg==", "Z=g=", "Zm9v\n", " Zm9v", "Zm9v ",
                          "Zm-v", "Zm_v", "Zh==", "Zm9=", "Zm9v=", "Zg=g"})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  EXPECT_EQ(from_base64("Zm\0v"sv), std::nullopt);
  EXPECT_EQ(from_base64("Zm\xC3\xBC"sv), std::nullopt);
}

TEST(Bytes, ComparisonSeesEveryByteAndTheLength) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("a\0b"sv, "a\0b"sv));
  EXPECT_FALSE(equal_in_constant_time("a\0b"sv, "a\0c"sv));
  EXPECT_FALSE(equal_in_constant_time("abc", "xbc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
  EXPECT_FALSE(equal_in_constant_time("", "a"));
}

TEST(Bytes, RandomOnesDiffer) {
  EXPECT_EQ(random_bytes(0).size(), 0U);
  EXPECT_EQ(random_bytes(1000).size(), 1000U);
  EXPECT_EQ(random_token(16).size(), 32U);
  EXPECT_EQ(random_token().find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(random_token(), random_token());
}

// FIPS 180-2 appendix B, RFC 4231 §4.3.
TEST(Bytes, Digests) {
  EXPECT_EQ(to_hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace jackdaw
