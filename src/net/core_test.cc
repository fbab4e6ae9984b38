// Turns, posts within and between cores.
// SPDX-License-Identifier: Apache-2.0
#include "net/core.h"

#include <gtest/gtest.h>

#include <set>

#include "net/test_cores.h"

namespace jackdaw {
namespace {

using namespace test;

TEST(Core, RunsPostsInTheirOrder) {
  TestCore core;
  std::vector<int> seen;
  for (int i = 0; i < 1000; ++i) core.core.post([&seen, i] { seen.push_back(i); });
  core.on([] {});
  ASSERT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

// What one turn posts to another core is handed over together, at its end.
TEST(Core, HandsPostsToAnotherCoreOverOnceATurn) {
  TestCore here{0}, there{1};
  std::vector<int> seen;
  std::set<std::uint64_t> turns;
  std::promise<void> done;
  here.on([&] {
    for (int i = 0; i < 1000; ++i)
      there.core.post([&, i] {
        seen.push_back(i);
        turns.insert(there.core.turn());
      });
    there.core.post([&] { done.set_value(); });
    EXPECT_TRUE(seen.empty());
  });
  done.get_future().get();
  ASSERT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(turns.size(), 1U);
}

void bounce(Core& here, Core& there, int left, std::promise<int>& done) {
  if (left == 0) return done.set_value(Core::here()->number());
  there.post([&here, &there, left, &done] { bounce(there, here, left - 1, done); });
}
TEST(Core, TwoOfThemPlayBall) {
  TestCore here{0}, there{1};
  std::promise<int> done;
  here.core.post([&] { bounce(here.core, there.core, 2001, done); });
  EXPECT_EQ(done.get_future().get(), 1);
}

TEST(Core, LaterLetsOtherWorkGoFirst) {
  TestCore core;
  std::string order;
  core.on([&] {
    core.core.post([&] { order += " posted"; });
    core.core.later([&] {
      order += "later";
      core.core.later([&] { order += " last"; });
    });
  });
  core.turns();
  EXPECT_EQ(order, "later posted last");
}

TEST(Core, TurnEndsAreCalledOnceATurn) {
  struct Counted final : TurnEnd {
    void turn_ends() override { ++times; }
    int times = 0;
  };
  TestCore core;
  Counted counted;
  core.on([&] {
    Counted gone;
    gone.at_turn_end(core.core);  // unlinks itself when it is destroyed
    counted.at_turn_end(core.core);
    counted.at_turn_end(core.core);
    EXPECT_EQ(counted.times, 0);
  });
  core.turns();
  EXPECT_EQ(counted.times, 1);
}

TEST(Core, KnowsItsThread) {
  EXPECT_EQ(Core::here(), nullptr);
  TestCore core{7};
  core.on([&] { EXPECT_EQ(Core::here(), &core.core); });
}

TEST(Core, TickFiresWhatIsDue) {
  HandClock clock;
  TestCore core{0, clock};
  CallTimer timer;
  bool fired = false;
  core.on([&] { timer.call(core.core.timers(), 60s, [&] { fired = true; }); });
  clock.pass(59s);
  core.turns();
  core.on([&] { EXPECT_FALSE(fired); });
  clock.pass(2s);
  core.on([&] { core.core.tick(); });
  core.on([&] { EXPECT_TRUE(fired); });
}

TEST(Core, DestroysWhatIsPostedAfterItsEnd) {
  const auto owned = std::make_shared<int>();
  {
    Core core{0};
    core.stop();
    core.run();
    core.post([owned] { ADD_FAILURE() << "ran"; });
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace jackdaw
