// Fates are counted in the order of sending, in whatever order they become known.
// SPDX-License-Identifier: Apache-2.0
#include "stream/fates.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

TEST(Fates, KnownInOrderCountAtOnce) {
  Fates fates;
  EXPECT_TRUE(fates.all_known());
  EXPECT_EQ(fates.begin(), 0U);
  EXPECT_FALSE(fates.all_known());
  EXPECT_TRUE(fates.settle(0));
  EXPECT_EQ(fates.begin(), 1U);
  EXPECT_TRUE(fates.settle(1));
  EXPECT_EQ(fates.settled(), 2U);
  EXPECT_EQ(fates.received(), 2U);
  EXPECT_TRUE(fates.all_known());
}

// XEP-0198 §4: the stanzas handled, without a gap.
TEST(Fates, AGapHoldsBackWhatComesBehindIt) {
  Fates fates;
  for (int i = 0; i < 4; ++i) fates.begin();
  EXPECT_FALSE(fates.settle(2));
  EXPECT_FALSE(fates.settle(1));
  EXPECT_EQ(fates.settled(), 0U);
  EXPECT_TRUE(fates.settle(0));
  EXPECT_EQ(fates.settled(), 3U);
  EXPECT_EQ(fates.open(), 1U);
  EXPECT_TRUE(fates.settle(3));
  EXPECT_TRUE(fates.all_known());
}

TEST(Fates, WhatIsNotOpenChangesNothing) {
  Fates fates;
  EXPECT_FALSE(fates.settle(0));
  fates.begin();
  EXPECT_FALSE(fates.settle(1));
  EXPECT_TRUE(fates.settle(0));
  EXPECT_FALSE(fates.settle(0));
  EXPECT_EQ(fates.settled(), 1U);
}

TEST(Fates, StayRightOverManyThousands) {
  Fates fates;
  std::uint32_t told = 0;
  for (int i = 0; i < 10'000; ++i) {
    fates.begin();
    if (i >= 3) fates.settle(told++);  // three are always open
  }
  EXPECT_EQ(fates.settled(), 9997U);
  EXPECT_EQ(fates.open(), 3U);
  for (int i = 0; i < 5000; ++i) fates.begin();
  for (std::uint32_t i = fates.received(); i-- > fates.settled();) fates.settle(i);  // the last first
  EXPECT_EQ(fates.settled(), 15'000U);
  EXPECT_TRUE(fates.all_known());
}

}  // namespace
}  // namespace jackdaw
