// A result is a value or a failure, and asking for the other is a Bug.
// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace jackdaw {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Failure{std::to_string(n) + " is odd"};
  return n / 2;
}

TEST(Result, IsAValueOrTheReason) {
  const auto good = half(8);
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(*good, 4);
  const auto bad = half(7);
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.failure().what, "7 is odd");
}

TEST(Result, AskingForTheOtherIsABug) {
  EXPECT_THROW((void)half(7).value(), Bug);
  EXPECT_THROW((void)*half(7), Bug);
  EXPECT_THROW((void)half(8).failure(), Bug);
}

TEST(Result, HoldsWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result{std::make_unique<int>(5)};
  EXPECT_EQ(**result, 5);
  const auto taken = std::move(*result);
  EXPECT_EQ(*taken, 5);
}

TEST(Result, OfAStringIsNoFailure) {
  const Result<std::string> result{std::string("not a failure")};
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result->size(), 13U);
}

TEST(Check, ThrowsABugThatSaysWhat) {
  EXPECT_NO_THROW(check(true, "fine"));
  try {
    check(false, "two heads");
    FAIL() << "no bug";
  } catch (const Bug& bug) {
    EXPECT_STREQ(bug.what(), "two heads");
  }
}

}  // namespace
}  // namespace jackdaw
