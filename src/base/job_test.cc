// A job moves, is called, and is freed once.
// SPDX-License-Identifier: Apache-2.0
#include "base/job.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

namespace jackdaw {
namespace {

static_assert(!std::is_copy_constructible_v<Job> && !std::is_copy_assignable_v<Job>);
static_assert(std::is_nothrow_move_constructible_v<Job> && std::is_nothrow_move_assignable_v<Job>);

TEST(Job, IsEmptyAtFirstAndAfterBeingMoved) {
  Job none;
  EXPECT_FALSE(none);
  int calls = 0;
  Job job = [&] { ++calls; };
  Job moved = std::move(job);
  EXPECT_FALSE(job);
  ASSERT_TRUE(moved);
  moved();
  EXPECT_EQ(calls, 1);
}

TEST(Job, CarriesWhatCannotBeCopied) {
  auto box = std::make_unique<int>(7);
  int seen = 0;
  Job job = [box = std::move(box), &seen] { seen = *box; };
  Job moved = std::move(job);
  moved();
  EXPECT_EQ(seen, 7);
}

// Small captures stay inside, large ones do not; both are freed once, whether called or not.
template <std::size_t size>
void expect_freed_once() {
  auto owned = std::make_shared<int>();
  {
    Job job = [owned, room = std::array<char, size>{}] { (void)room; };
    EXPECT_EQ(owned.use_count(), 2);
    std::vector<Job> jobs;
    jobs.push_back(std::move(job));
    jobs.resize(20);  // moves it
    EXPECT_EQ(owned.use_count(), 2);
    jobs.front()();
    EXPECT_EQ(owned.use_count(), 2);
    jobs.front() = Job{};
    EXPECT_EQ(owned.use_count(), 1);
    jobs.back() = [owned, room = std::array<char, size>{}] { (void)room; };
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1);
}
TEST(Job, FreesSmallCapturesOnce) { expect_freed_once<8>(); }
TEST(Job, FreesLargeCapturesOnce) { expect_freed_once<500>(); }

TEST(Job, MovedOntoItselfStays) {
  int calls = 0;
  Job job = [&] { ++calls; };
  Job& same = job;
  job = std::move(same);
  ASSERT_TRUE(job);
  job();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace jackdaw
