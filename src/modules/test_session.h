// For tests: a session that writes down what is delivered to it (test_server.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "router/shard.h"

namespace jackdaw {

// Lives on its account's home core; what the test asks for is behind a mutex.
class TestSession final : public Session, public std::enable_shared_from_this<TestSession> {
 public:
  TestSession(Shard& home, Jid jid) : home_(home), jid_(std::move(jid)), number_(home.server().next_number++) {}

  // Session; on the home core.
  const Jid& jid() const override { return jid_; }
  void deliver(StanzaRef stanza) override;
  void deliver_kept(StanzaRef stanza) override { deliver(std::move(stanza)); }
  void confirm(std::function<void(Receipt)> told) override;
  void end(StreamError why) override;
  void settled(std::uint32_t) override { --open_; }
  SessionDescription describe() const override { return {.jid = jid_.text(), .transport = "test"}; }

  // On the home core.
  bool take(const std::string& xml);
  void leave();
  void acknowledge(bool does);

  // On the test's thread.
  Shard& home() { return home_; }
  std::uint64_t number() const { return number_; }
  bool has_open_fates() const { return open_ > 0; }
  std::string next(bool wait);
  std::optional<StreamError> why_ended();

 private:
  void tell_confirmations(Receipt receipt);

  Shard& home_;
  const Jid jid_;
  const std::uint64_t number_;
  std::uint32_t sent_ = 0;
  bool acknowledges_ = true;
  std::vector<std::function<void(Receipt)>> confirmations_;
  std::atomic<int> open_{0};

  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::string> delivered_;
  std::optional<StreamError> why_ended_;
};

}  // namespace jackdaw
