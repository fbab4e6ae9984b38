// Workers answer where they were asked, and refuse what is too much.
// SPDX-License-Identifier: Apache-2.0
#include "net/workers.h"

#include <gtest/gtest.h>

#include "net/test_cores.h"

namespace jackdaw {
namespace {

using namespace test;

// What became of the jobs that were asked for; on one core.
struct Outcome {
  int done = 0, refused = 0, elsewhere = 0;
};

Task<void> work(Workers& workers, std::string share, std::shared_future<void> gate, Outcome& outcome) {
  Core* const home = Core::here();
  const auto value = co_await workers.run(std::move(share), [gate] {
    gate.wait();
    return Core::here() == nullptr;
  });
  if (Core::here() != home) ++outcome.elsewhere;
  if (value)
    outcome.done += *value;
  else
    ++outcome.refused;
}

class WorkersTest : public testing::Test {
 protected:
  void ask(int count, const std::string& share) {
    core_.on([&] {
      for (int i = 0; i < count; ++i) spawn(work(workers_, share, opened_, outcome_));
    });
  }
  Outcome outcome() {
    Outcome copy;
    core_.on([&] { copy = outcome_; });
    return copy;
  }
  void open_and_wait_for(int done) {
    gate_.set_value();
    EXPECT_TRUE(becomes_true([&] { return outcome().done == done; })) << outcome().done;
  }

  std::promise<void> gate_;
  std::shared_future<void> opened_ = gate_.get_future().share();
  Outcome outcome_;
  TestCore core_;
  Workers workers_{2};
};

TEST_F(WorkersTest, WorkElsewhereAndAnswerHere) {
  ask(10, "192.0.2.1");
  EXPECT_EQ(outcome().done, 0);
  open_and_wait_for(10);
  EXPECT_EQ(outcome().elsewhere, 0);
}

TEST_F(WorkersTest, OneShareHas200Places) {
  ask(200, "192.0.2.1");
  EXPECT_EQ(outcome().refused, 0);
  ask(1, "192.0.2.1");
  EXPECT_EQ(outcome().refused, 1);
  ask(1, "192.0.2.2");
  EXPECT_EQ(outcome().refused, 1);
  open_and_wait_for(201);
  ask(1, "192.0.2.1");  // places have become free
  EXPECT_TRUE(becomes_true([&] { return outcome().done == 202; }));
}

TEST_F(WorkersTest, AllTogetherHave2000Places) {
  for (int share = 0; share < 10; ++share) ask(200, std::to_string(share));
  EXPECT_EQ(outcome().refused, 0);
  ask(1, "another");
  EXPECT_EQ(outcome().refused, 1);
  open_and_wait_for(2000);
}

}  // namespace
}  // namespace jackdaw
