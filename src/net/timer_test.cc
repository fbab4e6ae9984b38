// The wheel: never early, a second late at most, whatever is moved, cancelled or destroyed.
// SPDX-License-Identifier: Apache-2.0
#include "net/timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace jackdaw {
namespace {

constexpr Steady start{std::chrono::milliseconds{1'000'400}};  // not on a second's edge

class TimerTest : public testing::Test {
 protected:
  void pass(std::chrono::milliseconds time) { wheel_.advance(now_ += time); }
  // One second after the other, as a core does.
  void pass_slowly(std::int64_t seconds) {
    while (seconds-- > 0) pass(1s);
  }
  void start_timer(Seconds delay) {
    timer_.call(wheel_, delay, [this] { ++fired_; });
  }

  Steady now_ = start;
  TimerWheel wheel_{start};
  CallTimer timer_;
  int fired_ = 0;
};

TEST_F(TimerTest, NeverFiresEarlyAndAtMostASecondLate) {
  start_timer(5s);
  pass(4999ms);
  EXPECT_EQ(fired_, 0);
  EXPECT_TRUE(timer_.is_set());
  pass(1001ms);
  EXPECT_EQ(fired_, 1);
  EXPECT_FALSE(timer_.is_set());
  pass_slowly(1000);
  EXPECT_EQ(fired_, 1);
}

TEST_F(TimerTest, OfNoDelayFiresWithinASecond) {
  start_timer(0s);
  pass(1s);
  EXPECT_EQ(fired_, 1);
}

TEST_F(TimerTest, MovedLaterFiresOnlyThen) {
  start_timer(5s);
  pass(3s);
  start_timer(5s);
  pass(4999ms);
  EXPECT_EQ(fired_, 0);
  pass(1001ms);
  EXPECT_EQ(fired_, 1);
}

TEST_F(TimerTest, MovedEarlierFiresThen) {
  start_timer(300s);
  start_timer(2s);
  pass(3s);
  EXPECT_EQ(fired_, 1);
  pass_slowly(400);
  EXPECT_EQ(fired_, 1);
}

TEST_F(TimerTest, CancelledDoesNotFireAndMayBeSetAgain) {
  start_timer(2s);
  timer_.cancel();
  EXPECT_FALSE(timer_.is_set());
  pass_slowly(600);
  EXPECT_EQ(fired_, 0);
  start_timer(2s);
  pass(3s);
  EXPECT_EQ(fired_, 1);
}

// Further away than the wheel's 512 slots.
TEST_F(TimerTest, OfTheFarFuture) {
  start_timer(2000s);
  pass_slowly(1999);
  EXPECT_EQ(fired_, 0);
  pass_slowly(2);
  EXPECT_EQ(fired_, 1);
}

TEST_F(TimerTest, OfAFutureThatCannotBeCounted) {
  for (const Seconds delay : {Seconds::max(), Seconds{std::int64_t{8000} * 366 * 24 * 3600}}) {
    start_timer(delay);
    pass(std::chrono::hours{10 * 366 * 24});
    EXPECT_EQ(fired_, 0);
    EXPECT_TRUE(timer_.is_set());
  }
}

TEST_F(TimerTest, ALeapOverManyRoundsFiresWhatIsDueOnly) {
  start_timer(700s);
  CallTimer far;
  int far_fired = 0;
  far.call(wheel_, 5000s, [&] { ++far_fired; });
  pass(3000s);
  EXPECT_EQ(fired_, 1);
  EXPECT_EQ(far_fired, 0);
  pass_slowly(1999);
  EXPECT_EQ(far_fired, 0);
  pass_slowly(2);
  EXPECT_EQ(far_fired, 1);
}

TEST_F(TimerTest, TimeThatGoesBackChangesNothing) {
  start_timer(2s);
  wheel_.advance(start - 100s);
  EXPECT_EQ(wheel_.now(), start);
  pass(3s);
  EXPECT_EQ(fired_, 1);
}

TEST_F(TimerTest, DestroyedInTheWheelTakesNobodyAlong) {
  start_timer(3s);
  auto newer = std::make_unique<CallTimer>(), newest = std::make_unique<CallTimer>();
  newer->call(wheel_, 3s, [this] { fired_ += 10; });
  newest->call(wheel_, 3s, [this] { fired_ += 100; });
  newer.reset();  // from the middle of its slot's list
  pass(4s);
  EXPECT_EQ(fired_, 101);
}

TEST_F(TimerTest, OneThatFiresMayCancelAndDestroyOthers) {
  std::vector<std::unique_ptr<CallTimer>> timers;
  for (int i = 0; i < 6; ++i) {
    timers.push_back(std::make_unique<CallTimer>());
    timers.back()->call(wheel_, 3s, [this, &timers] {
      ++fired_;
      const auto set = std::count_if(timers.begin(), timers.end(), [](auto& t) { return t && t->is_set(); });
      for (auto& timer : timers) {
        if (!timer || !timer->is_set()) continue;
        if (set > 3)
          timer.reset();
        else
          timer->cancel();
        break;
      }
    });
  }
  pass(4s);
  EXPECT_EQ(fired_, 3);
}

TEST_F(TimerTest, OneThatFiresMaySetItselfAgain) {
  struct Every final : Timer {
    explicit Every(TimerWheel& w) : wheel(w) { set(wheel, 10s); }
    void fires() override {
      ++times;
      set(wheel, 10s);
    }
    TimerWheel& wheel;
    int times = 0;
  } every{wheel_};
  pass_slowly(105);
  EXPECT_GE(every.times, 9);
  EXPECT_LE(every.times, 10);
}

}  // namespace
}  // namespace jackdaw
