// The datetime format of XEP-0082.
// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

std::string at(std::chrono::microseconds since_1970) { return to_datetime(TimePoint{since_1970}); }

// XEP-0082 §3.2.
TEST(Datetime, HasMillisecondsOnlyWhenThereAreAny) {
  EXPECT_EQ(at(0s), "1970-01-01T00:00:00Z");
  EXPECT_EQ(at(1ms), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(at(999us), "1970-01-01T00:00:00Z");
  EXPECT_EQ(at(1'999'999us), "1970-01-01T00:00:01.999Z");
  EXPECT_EQ(at(1'795'182'036'123'000us), "2026-11-20T13:40:36.123Z");
}

TEST(Datetime, KnowsLeapDaysAndTheTimeBefore1970) {
  EXPECT_EQ(at(1'709'208'000s), "2024-02-29T12:00:00Z");
  EXPECT_EQ(at(4'107'542'400s), "2100-03-01T00:00:00Z");
  EXPECT_EQ(at(-1s), "1969-12-31T23:59:59Z");
  EXPECT_EQ(at(-1ms), "1969-12-31T23:59:59.999Z");
}

TEST(SystemClock, Runs) {
  const auto steady = system_clock().steady();
  EXPECT_LE(steady, system_clock().steady());
  EXPECT_GT(system_clock().wall(), TimePoint{1'700'000'000s});
}

}  // namespace
}  // namespace jackdaw
