// Ids are sorted as they were made, whatever the clock does.
// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace jackdaw {
namespace {

constexpr TimePoint noon{std::chrono::microseconds{1'700'000'000'000'000}};

TEST(Ids, BeginWithTheTimeInMilliseconds) {
  IdMaker ids;
  const auto id = ids.make(noon);
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(std::stoll(id.substr(0, 12), nullptr, 16), 1'700'000'000'000);
}

TEST(Ids, TellWhenTheyWereMade) {
  IdMaker ids;
  EXPECT_EQ(time_of_id(ids.make(noon)), noon);
  EXPECT_EQ(time_of_id(ids.make(noon + 999us)), noon);
  for (const char* text : {"", "0123456789a", "0123456789ag", "-123456789ab"})
    EXPECT_EQ(time_of_id(text), TimePoint{}) << text;
}

TEST(Ids, AreSortedWithinOneMillisecond) {
  IdMaker ids;
  std::vector<std::string> made;
  for (int i = 0; i < 70'000; ++i) made.push_back(ids.make(noon));  // more than the counter has places for
  EXPECT_TRUE(std::is_sorted(made.begin(), made.end()));
  EXPECT_EQ(std::adjacent_find(made.begin(), made.end()), made.end());
}

TEST(Ids, AreSortedWhenTheClockGoesBack) {
  IdMaker ids;
  const auto before = ids.make(noon);
  const auto behind = ids.make(noon - 1h);
  const auto later = ids.make(noon + 1ms);
  EXPECT_LT(before, behind);
  EXPECT_LT(behind, later);
  EXPECT_EQ(std::stoll(later.substr(0, 12), nullptr, 16), 1'700'000'000'001);
}

TEST(Ids, OfTwoMakersDiffer) {
  IdMaker one, other;
  EXPECT_NE(one.make(noon), other.make(noon));
}

}  // namespace
}  // namespace jackdaw
