// PLAIN messages, good and bad.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plain.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

using namespace std::string_literals;

TEST(Plain, ThreeParts) {
  const auto outcome = parse_plain("\0tim\0tanstaaftanstaaf"s);  // RFC 4616 §4
  ASSERT_TRUE(std::holds_alternative<PlainMessage>(outcome));
  const auto& message = std::get<PlainMessage>(outcome);
  EXPECT_EQ(message.authzid, "");
  EXPECT_EQ(message.authcid, "tim");
  EXPECT_EQ(message.password, "tanstaaftanstaaf");
}

TEST(Plain, AuthorizationIdentityAndUtf8) {
  const auto outcome = parse_plain("Ursel@example.com\0Kurt\0xipj3\xC2\xB5plmq"s);
  ASSERT_TRUE(std::holds_alternative<PlainMessage>(outcome));
  const auto& message = std::get<PlainMessage>(outcome);
  EXPECT_EQ(message.authzid, "Ursel@example.com");
  EXPECT_EQ(message.authcid, "Kurt");
  EXPECT_EQ(message.password, "xipj3\xC2\xB5plmq");
}

TEST(Plain, Malformed) {
  const std::string bad[] = {""s,
                             "\0"s,
                             "\0\0"s,
                             "\0\0\0"s,
                             "tim"s,
                             "tim\0pass"s,
                             "\0tim\0"s,
                             "\0\0pass"s,
                             "a\0\0pass"s,
                             "\0tim\0pass\0"s,
                             "\0tim\0pa\0ss"s,
                             "\0ti\xFFm\0pass"s,
                             "\0tim\0pa\xC3"s,
                             "\xC0\x80\0tim\0pass"s,
                             "\0tim\0\xED\xA0\x80"s,
                             "\0tim\0\xC3\0"s};
  for (const std::string& message : bad) {
    const auto outcome = parse_plain(message);
    ASSERT_TRUE(std::holds_alternative<SaslError>(outcome)) << message;
    EXPECT_EQ(std::get<SaslError>(outcome).condition, SaslCondition::malformed_request);
  }
}

TEST(Plain, Size) {
  EXPECT_TRUE(std::holds_alternative<PlainMessage>(parse_plain("\0a\0"s + std::string(4093, 'x'))));
  EXPECT_TRUE(std::holds_alternative<SaslError>(parse_plain("\0a\0"s + std::string(4094, 'x'))));
}

}  // namespace
}  // namespace jackdaw
