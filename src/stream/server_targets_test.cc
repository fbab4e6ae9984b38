// A server that does not answer is tried by one queue at a time.
// SPDX-License-Identifier: Apache-2.0
#include "stream/server_targets.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

const Steady noon{1000h};
const StanzaError silent{Condition::remote_server_timeout, "it does not answer"};

TEST(ServerTargets, AreTriedByEachQueueWhileNothingIsWrong) {
  ServerTargets targets;
  EXPECT_TRUE(targets.ask("capulet.lan", noon).may_try);
  EXPECT_TRUE(targets.ask("capulet.lan", noon).may_try);
  EXPECT_EQ(targets.size(), 0U);
}

TEST(ServerTargets, PauseAfterAFailure) {
  ServerTargets targets;
  EXPECT_EQ(targets.failed("capulet.lan", silent, noon), noon + 2s);
  const auto turn = targets.ask("capulet.lan", noon + 1s);
  EXPECT_FALSE(turn.may_try);
  EXPECT_EQ(turn.again, noon + 2s);
  EXPECT_EQ(turn.error.text, silent.text);
  EXPECT_TRUE(targets.ask("verona.lan", noon + 1s).may_try);
}

TEST(ServerTargets, AreTriedByOneBehindThePause) {
  ServerTargets targets;
  targets.failed("capulet.lan", silent, noon);
  EXPECT_TRUE(targets.ask("capulet.lan", noon + 2s).may_try);
  const auto other = targets.ask("capulet.lan", noon + 2s);
  EXPECT_FALSE(other.may_try);
  EXPECT_GT(other.again, noon + 2s);
}

TEST(ServerTargets, AreFreeForAllOnceReached) {
  ServerTargets targets;
  targets.failed("capulet.lan", silent, noon);
  targets.ask("capulet.lan", noon + 2s);
  targets.forget("capulet.lan");
  EXPECT_TRUE(targets.ask("capulet.lan", noon + 2s).may_try);
  EXPECT_TRUE(targets.ask("capulet.lan", noon + 2s).may_try);
}

TEST(ServerTargets, PauseLongerEachTimeUpToTenSeconds) {
  ServerTargets targets;
  Steady now = noon;
  for (const auto pause : {2s, 4s, 8s, 10s, 10s, 10s, 10s}) {
    EXPECT_EQ(targets.failed("capulet.lan", silent, now), now + pause);
    now += pause;
  }
}

TEST(ServerTargets, FailuresOfTriesThatBeganTogetherCountOnce) {
  ServerTargets targets;
  EXPECT_EQ(targets.failed("capulet.lan", silent, noon), noon + 2s);
  EXPECT_EQ(targets.failed("capulet.lan", silent, noon + 1s), noon + 2s);
  EXPECT_EQ(targets.failed("capulet.lan", silent, noon + 2s), noon + 6s);
}

TEST(ServerTargets, AreTriedByAnotherWhenTheFirstNeverSaysWhatCameOfIt) {
  ServerTargets targets;
  targets.failed("capulet.lan", silent, noon);
  EXPECT_TRUE(targets.ask("capulet.lan", noon + 2s).may_try);
  EXPECT_TRUE(targets.ask("capulet.lan", noon + 10min).may_try);
}

TEST(ServerTargets, AreForgottenAndBounded) {
  ServerTargets targets;
  for (std::size_t i = 0; i <= ServerTargets::most; ++i)
    targets.failed("host" + std::to_string(i) + ".lan", silent, noon);
  EXPECT_EQ(targets.size(), ServerTargets::most);
  targets.sweep(noon + 1min);
  EXPECT_EQ(targets.size(), ServerTargets::most);
  targets.sweep(noon + 10min);
  EXPECT_EQ(targets.size(), 0U);
}

}  // namespace
}  // namespace jackdaw
