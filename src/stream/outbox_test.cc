// An outbox over a socket pair whose other end reads, or does not.
// SPDX-License-Identifier: Apache-2.0
#include "stream/outbox.h"

#include <gtest/gtest.h>

#include "net/test_cores.h"

namespace jackdaw {
namespace {

using namespace test;

constexpr std::size_t limit = 8 << 20;

StanzaRef message(int number, std::size_t size = 10) {
  return Stanza::make({Kind::message, Type::normal, {}, {}}, std::to_string(number),
                      "<body>" + std::string(size, 'x') + "</body>");
}

struct Owner final : OutboxOwner {
  void stuck() override { ++stuck_times; }
  std::string trailer() override { return says; }
  int stuck_times = 0;
  std::string says;
};

class OutboxTest : public testing::Test {
 protected:
  OutboxTest() {
    core_.on([&] {
      transport_ = std::make_unique<Transport>(core_.core, sockets_.ours, "192.0.2.1", nullptr);
      outbox_ = std::make_unique<Outbox>(*transport_, limit, owner_);
    });
  }
  ~OutboxTest() override {
    core_.on([&] {
      outbox_.reset();
      transport_.reset();
    });
  }
  // More than the sockets between hold, so that something always stays.
  void push_much(int count = 40) {
    core_.on([&] {
      for (int i = 0; i < count; ++i) outbox_->push(message(i, 100'000));
    });
  }

  HandClock clock_;
  TestCore core_{0, clock_};
  SocketPair sockets_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Outbox> outbox_;
  Owner owner_;
};

TEST_F(OutboxTest, WritesInOrderOnceTheTurnEnds) {
  std::string expected;
  core_.on([&] {
    outbox_->push(message(1));
    outbox_->push_raw("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    outbox_->push(message(2));
    expected = message(1)->xml() + "<a xmlns='urn:xmpp:sm:3' h='1'/>" + message(2)->xml();
    EXPECT_EQ(outbox_->size(), 3U);
    EXPECT_GT(outbox_->bytes(), 0U);
  });
  EXPECT_EQ(sockets_.hear(expected.size()), expected);
  core_.on([&] {
    EXPECT_EQ(outbox_->size(), 0U);
    EXPECT_EQ(outbox_->bytes(), 0U);
  });
}

TEST_F(OutboxTest, ATrailerFollowsEachBatch) {
  core_.on([&] {
    owner_.says = "<r/>";
    outbox_->push(message(1));
    outbox_->push(message(2));
  });
  const auto expected = message(1)->xml() + message(2)->xml() + "<r/>";
  EXPECT_EQ(sockets_.hear(expected.size()), expected);
}

TEST_F(OutboxTest, IsCrowdedWhileThePeerDoesNotReadAndEmptyAfter) {
  push_much();
  core_.on([&] { EXPECT_TRUE(outbox_->is_crowded()); });
  std::string expected;
  for (int i = 0; i < 40; ++i) expected += message(i, 100'000)->xml();
  EXPECT_EQ(sockets_.hear(expected.size()), expected);
  EXPECT_TRUE(becomes_true([&] {
    std::size_t left = 1;
    core_.on([&] { left = outbox_->size() + outbox_->bytes(); });
    return left == 0;
  }));
  core_.on([&] {
    EXPECT_FALSE(outbox_->is_crowded());
    EXPECT_EQ(owner_.stuck_times, 0);
  });
}

TEST_F(OutboxTest, OverItsLimitItIsStuckOnce) {
  push_much(100);
  core_.on([&] { EXPECT_EQ(owner_.stuck_times, 1); });
  push_much(10);
  core_.on([&] { EXPECT_EQ(owner_.stuck_times, 1); });
}

TEST_F(OutboxTest, WithoutProgressForAMinuteItIsStuckOnce) {
  push_much();
  clock_.pass(59s);
  core_.turns();
  core_.on([&] { EXPECT_EQ(owner_.stuck_times, 0); });
  clock_.pass(3s);
  core_.turns();
  core_.on([&] { EXPECT_EQ(owner_.stuck_times, 1); });
  clock_.pass(200s);
  push_much(1);
  core_.on([&] { EXPECT_EQ(owner_.stuck_times, 1); });
}

TEST_F(OutboxTest, GivesBackWhatWasNotWritten) {
  push_much();
  core_.on([&] {
    outbox_->push(message(40), Undelivered::drop);
    outbox_->push_raw("<r/>");
  });
  core_.on([&] {
    const auto left = outbox_->take_unwritten();
    EXPECT_EQ(outbox_->size(), 0U);
    EXPECT_EQ(outbox_->bytes(), 0U);
    ASSERT_GT(left.size(), 3U);
    EXPECT_EQ(left.back().raw, "<r/>");
    EXPECT_EQ(left[left.size() - 2].then, Undelivered::drop);
    for (std::size_t i = 0; i + 1 < left.size(); ++i)
      EXPECT_EQ(left[i].stanza->raw_id(), std::to_string(40 - static_cast<int>(left.size() - 2 - i)));
  });
}

TEST_F(OutboxTest, MayGoWhileTheTransportStillHoldsItsBytes) {
  push_much();
  core_.on([&] { outbox_.reset(); });
  EXPECT_FALSE(sockets_.hear(1).empty());
  core_.turns();
  core_.on([&] { EXPECT_EQ(owner_.stuck_times, 0); });
}

}  // namespace
}  // namespace jackdaw
