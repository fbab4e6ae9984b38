// A transport over a socket pair: reading, writing to who does not read, silence, interruption, moving between cores.
// SPDX-License-Identifier: Apache-2.0
#include "net/transport.h"

#include <gtest/gtest.h>

#include "net/test_cores.h"

namespace jackdaw {
namespace {

using namespace test;

// What a reader got; written on a core, read by the test on the same core.
struct Heard {
  std::string text;
  std::vector<Wake> why;
  bool ended = false;
};

Task<void> read_until_closed(Transport& transport, Seconds patience, Heard& heard) {
  for (;;) {
    const Received received = co_await transport.read(patience);
    if (received.why == Wake::data) {
      heard.text.append(received.bytes, received.size);
      continue;
    }
    heard.why.push_back(received.why);
    if (received.why == Wake::closed) break;
  }
  heard.ended = true;
}

struct WatcherOf final : DrainWatcher {
  explicit WatcherOf(bool& was_told) : told(was_told) {}
  void drained() override { told = true; }
  bool& told;
};

class TransportTest : public testing::Test {
 protected:
  TransportTest() {
    core_.on([&] { transport_ = std::make_unique<Transport>(core_.core, sockets_.ours, "192.0.2.1", nullptr); });
  }
  ~TransportTest() override {
    sockets_.hang_up();
    if (reading_) EXPECT_TRUE(becomes_true([&] { return heard().ended; }));
    core_.on([&] { transport_.reset(); });
  }
  void read(Seconds patience = 60s) {
    reading_ = true;
    core_.on([&] { spawn(read_until_closed(*transport_, patience, heard_)); });
  }
  Heard heard() {
    Heard copy;
    core_.on([&] { copy = heard_; });
    return copy;
  }
  bool hears(const std::string& text) {
    return becomes_true([&] { return heard().text == text; });
  }
  std::size_t unsent() {
    std::size_t size = 0;
    core_.on([&] { size = transport_->unsent(); });
    return size;
  }

  HandClock clock_;
  TestCore core_{0, clock_};
  SocketPair sockets_;
  std::unique_ptr<Transport> transport_;
  Heard heard_;
  bool reading_ = false;
};

TEST_F(TransportTest, ReadsWhatComesUntilThePeerIsGone) {
  sockets_.say("before ");
  read();
  EXPECT_TRUE(hears("before "));
  sockets_.say("after");
  EXPECT_TRUE(hears("before after"));
  sockets_.hang_up();
  EXPECT_TRUE(becomes_true([&] { return heard().ended; }));
  EXPECT_EQ(heard().why, std::vector{Wake::closed});
}

TEST_F(TransportTest, ReadsMoreThanOneBuffer) {
  std::string much(1'000'000, 'x');
  much[999'999] = 'y';
  read();
  sockets_.say(much);
  EXPECT_TRUE(hears(much));
}

TEST_F(TransportTest, WritesAtOnce) {
  core_.on([&] { EXPECT_TRUE(transport_->write("hello")); });
  EXPECT_EQ(sockets_.hear(5), "hello");
  EXPECT_EQ(unsent(), 0U);
}

TEST_F(TransportTest, KeepsWhatThePeerDoesNotReadAndTellsWhenItIsGone) {
  const std::string much(4'000'000, 'x');
  bool drained = false;
  WatcherOf watcher{drained};
  core_.on([&] {
    EXPECT_TRUE(transport_->write(much));
    EXPECT_TRUE(transport_->write("end"));
    transport_->tell_drained(&watcher);
  });
  EXPECT_GT(unsent(), 3'000'000U);
  EXPECT_LT(unsent(), 4'000'003U);
  core_.on([&] { EXPECT_FALSE(drained); });
  const auto got = sockets_.hear(4'000'003);
  EXPECT_EQ(got.size(), 4'000'003U);
  EXPECT_EQ(got.substr(3'999'999), "xend");
  EXPECT_TRUE(becomes_true([&] {
    bool now = false;
    core_.on([&] { now = drained; });
    return now;
  }));
  EXPECT_EQ(unsent(), 0U);
}

TEST_F(TransportTest, FailsWhenThePeerGoesWithoutReading) {
  bool told = false;
  WatcherOf watcher{told};
  core_.on([&] {
    transport_->write(std::string(4'000'000, 'x'));
    transport_->tell_drained(&watcher);
  });
  sockets_.hang_up();
  EXPECT_TRUE(becomes_true([&] {
    bool failed = false;
    core_.on([&] { failed = transport_->has_failed() && told; });
    return failed;
  }));
  core_.on([&] { EXPECT_FALSE(transport_->write("more")); });
  EXPECT_EQ(unsent(), 0U);
}

TEST_F(TransportTest, SilenceIsSaidAfterThePatience) {
  read(30s);
  clock_.pass(29s);
  core_.turns();
  EXPECT_TRUE(heard().why.empty());
  clock_.pass(2s);
  core_.turns();
  EXPECT_EQ(heard().why, std::vector{Wake::silent});
  sockets_.say("here I am");
  EXPECT_TRUE(hears("here I am"));
}

TEST_F(TransportTest, BytesBeginThePatienceAnew) {
  read(30s);
  clock_.pass(20s);
  sockets_.say("x");
  EXPECT_TRUE(hears("x"));
  clock_.pass(20s);
  core_.turns();
  EXPECT_TRUE(heard().why.empty());
  clock_.pass(12s);
  core_.turns();
  EXPECT_EQ(heard().why, std::vector{Wake::silent});
}

TEST_F(TransportTest, AnInterruptWakesTheReaderOnce) {
  read();
  core_.on([&] { transport_->interrupt(); });
  EXPECT_TRUE(becomes_true([&] { return heard().why == std::vector{Wake::interrupted}; }));
  sockets_.say("on");
  EXPECT_TRUE(hears("on"));
  EXPECT_EQ(heard().why.size(), 1U);
}

TEST_F(TransportTest, AnInterruptBeforeTheReadIsNotLost) {
  core_.on([&] { transport_->interrupt(); });
  read();
  EXPECT_EQ(heard().why, std::vector{Wake::interrupted});
}

TEST_F(TransportTest, BrokenOffTheReaderFindsOut) {
  read();
  core_.on([&] { transport_->break_off(); });
  EXPECT_TRUE(becomes_true([&] { return heard().ended; }));
}

Task<void> close(Transport& transport, bool& closed) {
  co_await transport.close(5s);
  closed = true;
}
TEST_F(TransportTest, ClosingSendsWhatIsKeptFirst) {
  bool closed = false;
  core_.on([&] {
    transport_->write(std::string(2'000'000, 'x'));
    spawn(close(*transport_, closed));
    EXPECT_FALSE(closed);
  });
  EXPECT_EQ(sockets_.hear(3'000'000).size(), 2'000'000U);  // and then the end
  core_.on([&] { EXPECT_FALSE(closed); });
  sockets_.hang_up();
  EXPECT_TRUE(becomes_true([&] {
    bool now = false;
    core_.on([&] { now = closed; });
    return now;
  }));
}

// What the peer has said meanwhile must not turn our last words into a reset.
TEST_F(TransportTest, ClosingHearsThePeerOut) {
  bool closed = false;
  sockets_.say("not read before the end");
  core_.on([&] {
    transport_->write("goodbye");
    spawn(close(*transport_, closed));
  });
  sockets_.say("nor this");
  EXPECT_EQ(sockets_.hear(100), "goodbye");
  core_.on([&] { EXPECT_FALSE(closed); });
  clock_.pass(3s);
  core_.turns();
  core_.on([&] { EXPECT_TRUE(closed); });
}

TEST_F(TransportTest, ClosingDoesNotWaitForEver) {
  bool closed = false;
  core_.on([&] {
    transport_->write(std::string(2'000'000, 'x'));
    spawn(close(*transport_, closed));
  });
  clock_.pass(7s);
  core_.turns();
  core_.on([&] { EXPECT_TRUE(closed); });
}

// Continues on another core.
struct Hop {
  Core& to;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const {
    to.post([waiting] { waiting.resume(); });
  }
  void await_resume() const noexcept {}
};

Task<void> read_here_then_there(Transport& transport, Core& there, std::string& before, Heard& heard) {
  const Received first = co_await transport.read(60s);
  before.assign(first.bytes, first.size);
  transport.leave();
  co_await Hop{there};
  transport.arrive(there);
  co_await read_until_closed(transport, 60s, heard);
}

TEST_F(TransportTest, MovesToAnotherCoreWithBytesUnderWay) {
  TestCore there{1, clock_};
  std::string before;
  core_.on([&] { spawn(read_here_then_there(*transport_, there.core, before, heard_)); });
  std::string said;
  for (int i = 0; i < 20'000; ++i) {
    const auto word = std::to_string(i) + ' ';
    sockets_.say(word);
    said += word;
  }
  sockets_.hang_up();
  EXPECT_TRUE(becomes_true([&] {
    bool ended = false;
    there.on([&] { ended = heard_.ended; });
    return ended;
  }));
  EXPECT_EQ(before + heard_.text, said);
  there.on([&] {
    EXPECT_EQ(&transport_->core(), &there.core);
    EXPECT_EQ(there.core.transports().size(), 1U);
    transport_->abandon();
    EXPECT_TRUE(there.core.transports().empty());
  });
  core_.on([&] { EXPECT_TRUE(core_.core.transports().empty()); });
}

}  // namespace
}  // namespace jackdaw
