// Which level counts where, and what a rule may say.
// SPDX-License-Identifier: Apache-2.0
#include "base/log_rules.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

LogRule rule(std::string_view what, std::string_view level) {
  const auto read = read_log_rule(what, level);
  EXPECT_TRUE(read) << what;
  return read ? *read : LogRule{};
}

class Levels : public testing::Test {
 protected:
  ~Levels() override {
    for (const auto& each : log_levels().watched) unwatch_log(each.what);
    set_log_levels(LogLevel::major, {});
  }
  const Log romeo_{"XMPPS-000007", *log_address_of("192.0.2.7")};
  const Log juliet_{"XMPPS-000008", *log_address_of("2001:db8::8")};
  const Log store_{"STORE"};
};

TEST_F(Levels, TheGeneralOneCountsWithoutRules) {
  set_log_levels(LogLevel::failures, {});
  EXPECT_TRUE(romeo_.wants(LogLevel::failures));
  EXPECT_FALSE(romeo_.wants(LogLevel::major));
  set_log_level(LogLevel::all);
  EXPECT_TRUE(romeo_.wants(LogLevel::all));
}

TEST_F(Levels, ATagMayBeLouderOrQuieter) {
  set_log_levels(LogLevel::major, {rule("XMPPS", "all"), rule("STORE", "crashes")});
  EXPECT_TRUE(romeo_.wants(LogLevel::all));
  EXPECT_FALSE(store_.wants(LogLevel::failures));
  EXPECT_FALSE(Log{"XMPPO-000009"}.wants(LogLevel::problems));
}

TEST_F(Levels, AnAddressCountsBeforeATagAndAConnectionBeforeBoth) {
  set_log_levels(LogLevel::major, {rule("192.0.2.7", "all"), rule("XMPPS", "failures")});
  EXPECT_TRUE(romeo_.wants(LogLevel::all));
  EXPECT_FALSE(juliet_.wants(LogLevel::major));
  ASSERT_TRUE(watch_log(rule("XMPPS-000007", "crashes")));
  EXPECT_FALSE(romeo_.wants(LogLevel::failures));
  EXPECT_TRUE(unwatch_log("XMPPS-000007"));
  EXPECT_FALSE(unwatch_log("XMPPS-000007"));
  EXPECT_TRUE(romeo_.wants(LogLevel::all));
}

TEST_F(Levels, WhatIsWatchedCountsBeforeTheSettings) {
  set_log_levels(LogLevel::major, {rule("XMPPS", "failures"), rule("2001:db8::8", "failures")});
  ASSERT_TRUE(watch_log(rule("2001:db8:0::8", "all")));
  EXPECT_TRUE(juliet_.wants(LogLevel::all));
  EXPECT_FALSE(romeo_.wants(LogLevel::major));
}

TEST_F(Levels, AConnectionIsMeantByItsNumberWhateverItsTag) {
  for (const std::string what : {"7", "000007", "XMPPI-000007", "XMPPS-7"}) {
    ASSERT_TRUE(watch_log(rule(what, "all")));
    EXPECT_TRUE(romeo_.wants(LogLevel::all)) << what;
    EXPECT_FALSE(store_.wants(LogLevel::all)) << what;
    EXPECT_TRUE(unwatch_log(what));
  }
}

TEST_F(Levels, ACopyHasALevelOfItsOwn) {
  set_log_levels(LogLevel::major, {rule("XMPPS", "all")});
  Log log{"XMPPI-000001"};
  EXPECT_FALSE(log.wants(LogLevel::all));
  log = Log{"XMPPS-000001"};
  EXPECT_TRUE(log.wants(LogLevel::all));
}

TEST_F(Levels, SoManyAndNoMoreAreWatched) {
  for (int i = 1; i <= 100; ++i) ASSERT_TRUE(watch_log(rule(std::to_string(i), "all")));
  EXPECT_FALSE(watch_log(rule("101", "all")));
  EXPECT_TRUE(watch_log(rule("100", "major")));
}

TEST(LogAddress, WithAndWithoutAPort) {
  EXPECT_EQ(log_address_of("192.0.2.7:5269"), log_address_of("192.0.2.7"));
  EXPECT_EQ(log_address_of("[2001:db8::7]:5269"), log_address_of("2001:db8:0::7"));
  EXPECT_EQ(log_address_of("::ffff:192.0.2.7"), log_address_of("192.0.2.7"));
  for (const std::string text : {"", ":", "[", "[]", "localhost", "192.0.2", "x:1"}) EXPECT_FALSE(log_address_of(text));
}

TEST(LogRule, WhatIsNoneIsRefused) {
  for (const std::string what : {"", "-", "0", "romeo", "XMPPS-", "XMPPS-x", "ROUTER-7", "192.0.2", "-7", "7 "})
    EXPECT_FALSE(read_log_rule(what, "all")) << what;
  for (const std::string text : {"", "XMPPS", "XMPPS=", "=all", "XMPPS=All", "7=all", "XMPPS-7=all"})
    EXPECT_FALSE(read_lasting_log_rule(text)) << text;
  EXPECT_TRUE(read_lasting_log_rule("2001:db8::1=low-level"));
}

}  // namespace
}  // namespace jackdaw
