// Core: one thread with its own epoll. It knows sockets and time, nothing of XMPP. Start reading at Core::run().
//
// A turn: wait for events, run what they wake, run posted jobs, then end the turn: write out what was queued and hand
// posts to other cores over, each core once. Nothing on a core blocks.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/epoll.h>

#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/time.h"
#include "net/faults.h"
#include "net/timer.h"

namespace jackdaw {

class Core;
class Transport;

// Something with a descriptor. ready() is called on the core where it is watched.
class Watched {
 public:
  virtual void ready(std::uint32_t events) = 0;

 protected:
  ~Watched() = default;
};

// Something to be done once at the end of the turn. Unlinks itself when destroyed. Used on one core.
class TurnEnd {
 public:
  TurnEnd() = default;
  TurnEnd(const TurnEnd&) = delete;
  virtual void turn_ends() = 0;
  void at_turn_end(Core& core);

 protected:
  ~TurnEnd();

 private:
  friend class Core;
  Core* core_ = nullptr;
  std::size_t place_ = 0;  // in the core's list while core_ is set
};

class Core final : public Executor {
 public:
  explicit Core(int number, Clock& clock = system_clock(), Faults* faults = nullptr);
  ~Core() override;

  // The thread's life; returns after stop().
  void run();
  // Any thread.
  void stop();
  void post(Job job) override;

  // The rest on this core's thread only.

  // Edge-triggered, once for the descriptor's whole life here; unwatch() before it is closed or moved.
  void watch(int descriptor, Watched& what);
  void unwatch(int descriptor, Watched& what);
  // Resumes `waiting` later in this turn, not from within the caller.
  void resume_soon(std::coroutine_handle<> waiting);
  // Calls again after other work had its chance.
  void later(Job job) { ready_jobs_.push_back(std::move(job)); }

  int number() const { return number_; }
  // The time at which this turn began.
  Steady now() const { return now_; }
  std::uint64_t turn() const { return turn_; }
  TimePoint wall() const { return clock_.wall(); }
  TimerWheel& timers() { return timers_; }
  Faults* faults() const { return faults_; }
  // The transports that live here now.
  void enlist(Transport& transport) { transports_.insert(&transport); }
  void strike_off(Transport& transport) { transports_.erase(&transport); }
  std::vector<Transport*> transports() const { return {transports_.begin(), transports_.end()}; }
  // Reads the clock and fires what is due: each turn does, and a test that has moved the clock.
  void tick();

  // Lent to whoever reads or writes right now; not across a wait.
  static constexpr std::size_t buffer_size = 64 * 1024;
  char* read_buffer() { return read_buffer_.get(); }
  std::string& write_buffer() { return write_buffer_; }
  std::string& encrypt_buffer() { return encrypt_buffer_; }

  // The core whose thread this is; null elsewhere.
  static Core* here();

 private:
  friend class TurnEnd;
  void wait_for_events();
  void run_ready();
  void run_posted();
  void end_turn();
  void hand_over();
  void receive(std::vector<Job>& jobs);

  const int number_;
  Clock& clock_;
  Faults* const faults_;
  int epoll_ = -1;
  int wake_ = -1;
  Steady now_;
  std::uint64_t turn_ = 1;
  TimerWheel timers_;

  std::vector<epoll_event> events_;
  std::size_t event_at_ = 0, event_count_ = 0;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<Job> ready_jobs_;
  std::vector<TurnEnd*> turn_ends_;
  boost::unordered_flat_set<Transport*> transports_;
  std::unique_ptr<char[]> read_buffer_;
  std::string write_buffer_, encrypt_buffer_;

  // Posts of this core to others, handed over at the end of the turn: bounded by what one turn can cause.
  std::vector<std::pair<Core*, std::vector<Job>>> outgoing_;

  std::mutex mutex_;
  std::vector<Job> posted_;  // by any thread
  std::atomic<bool> woken_{false};
  std::atomic<bool> stopping_{false};
};

}  // namespace jackdaw
