// Rights of administrators: for the server or a domain, what includes what, and how they are written.
// SPDX-License-Identifier: Apache-2.0
#include "router/rights.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

Rights rights(std::string_view text) {
  auto parsed = Rights::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Rights{};
}

TEST(Rights, are_for_the_server_or_for_a_domain) {
  EXPECT_TRUE(rights("users").has(Right::users, ""));
  EXPECT_TRUE(rights("users").has(Right::users, "example.org"));
  EXPECT_TRUE(rights("users@example.org").has(Right::users, "example.org"));
  EXPECT_FALSE(rights("users@example.org").has(Right::users, ""));
  EXPECT_FALSE(rights("users@example.org").has(Right::users, "b.example"));
  EXPECT_FALSE(rights("users@example.org").has(Right::users, "sub.example.org"));
  EXPECT_TRUE(rights("users@EXAMPLE.org").has(Right::users, "example.org"));
}

TEST(Rights, are_apart_from_each_other_but_for_all) {
  for (const std::string_view one : {"users", "settings", "monitors"})
    for (const Right other : {Right::users, Right::settings, Right::monitors, Right::all})
      EXPECT_EQ(rights(one).has(other, ""), name_of(other) == one) << one << ' ' << name_of(other);
  for (const Right each : {Right::users, Right::settings, Right::monitors, Right::all}) {
    EXPECT_TRUE(Rights::whole().has(each, ""));
    EXPECT_TRUE(rights("all@example.org").has(each, "example.org"));
    EXPECT_FALSE(rights("all@example.org").has(each, ""));
    EXPECT_FALSE(Rights{}.has(each, ""));
    EXPECT_FALSE(Rights{}.has_somewhere(each));
    EXPECT_TRUE(rights("all@example.org").has_somewhere(each));
  }
  EXPECT_TRUE(Rights{}.has(Right::nothing, ""));
}

TEST(Rights, are_written_without_what_others_include) {
  EXPECT_EQ(rights("users,users@example.org,monitors").text(), "monitors,users");
  EXPECT_EQ(rights("users@b.example,users@a.example").text(), "users@a.example,users@b.example");
  EXPECT_EQ(rights("settings@a.example,users,all@a.example").text(), "users,all@a.example");
  EXPECT_EQ(rights("monitors,all").text(), "all");
  EXPECT_EQ(rights("Users, MONITORS@Example.org").text(), "monitors@example.org,users");
  EXPECT_EQ(rights("none").text(), "");
  EXPECT_EQ(rights("").text(), "");
  EXPECT_EQ(Rights::whole().text(), "all");
  EXPECT_EQ(rights("users@bücher.example").text(), "users@bücher.example");
}

TEST(Rights, cover_others_when_they_have_them_all) {
  EXPECT_TRUE(Rights::whole().cover(rights("all@a.example,users")));
  EXPECT_TRUE(rights("all@a.example").cover(rights("users@a.example,monitors@a.example")));
  EXPECT_FALSE(rights("all@a.example").cover(rights("users@a.example,users@b.example")));
  EXPECT_FALSE(rights("users").cover(rights("monitors@a.example")));
  EXPECT_FALSE(rights("all@a.example").cover(rights("monitors")));
  EXPECT_TRUE(Rights{}.cover(Rights{}));
}

TEST(Rights, wrong_ones_are_named) {
  for (const std::string_view wrong : {"user", "@example.org", "nothing", "none,users", "users,", ","}) {
    const auto parsed = Rights::parse(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_NE(parsed.failure().what.find("settings, users or monitors"), std::string::npos);
  }
  for (const std::string wrong : {"users@", "users@a b", "users@*", "users@example.org@example.org"}) {
    const auto parsed = Rights::parse(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.failure().what, wrong + ": what stands behind the @ is no domain's name");
  }
}

}  // namespace
}  // namespace jackdaw
