// Files that prove certificates (RFC 7711): what they may say, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "stream/posh.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

TEST(PoshFile, HasDigests) {
  const auto file = read_posh_file(R"({"fingerprints":[{"sha-256":"YQ==","sha-1":"Yg=="},{"sha-512":"Yw==",
    "sha-256":"not base64!"}],"expires":3600,"more":null})");
  ASSERT_TRUE(file.ok()) << file.failure().what;
  EXPECT_EQ(file->sha256, std::vector<std::string>{"a"});
  EXPECT_EQ(file->sha512, std::vector<std::string>{"c"});
  EXPECT_EQ(file->expires, Seconds{3600});
  EXPECT_TRUE(file->host.empty());
  EXPECT_EQ(read_posh_file(R"({"fingerprints":[],"expires":99999999999})")->expires, Seconds{24 * 3600});
}

TEST(PoshFile, MayLeadToAnother) {
  const auto file = read_posh_file(R"({"url":"https://Hosting.example.net/posh/a.json?b","expires":0})");
  ASSERT_TRUE(file.ok()) << file.failure().what;
  EXPECT_EQ(file->host, "hosting.example.net");
  EXPECT_EQ(file->path, "/posh/a.json?b");
}

TEST(PoshFile, IsRefusedWhenItIsNone) {
  for (const auto* text :
       {"", "[]", "{}", R"({"fingerprints":[]})", R"({"expires":1})", R"({"fingerprints":[1],"expires":1})",
        R"({"fingerprints":[],"expires":-1})", R"({"fingerprints":{},"expires":1})", R"({"url":1,"expires":1})",
        R"({"url":"http://example.org/","expires":1})", R"({"url":"https://example.org","expires":1})",
        R"({"url":"https://example.org:8443/x","expires":1})", R"({"url":"https://u@example.org/x","expires":1})",
        R"({"url":"https://example.org/x y","expires":1})", R"({"url":"https://example.org/\r\nHost: b","expires":1})"})
    EXPECT_FALSE(read_posh_file(text).ok()) << text;
}

}  // namespace
}  // namespace jackdaw
