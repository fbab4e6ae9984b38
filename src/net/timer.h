// Deadlines in a wheel with ticks of one second. Moving a deadline later costs one store.
//
// On one core. A Timer unlinks itself when destroyed; it never fires early, and up to a second late; after 100 years if
// it is set for more.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "base/job.h"
#include "base/time.h"

namespace jackdaw {

class TimerWheel;

class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { cancel(); }

  // Fires once, `delay` from now, instead of when it was set before.
  void set(TimerWheel& wheel, Seconds delay);
  void cancel();
  bool is_set() const { return armed_; }
  virtual void fires() = 0;

 private:
  friend class TimerWheel;
  void unlink();
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points at this; null when not in the wheel
  Steady due_{};
  Steady slot_time_{};
  bool armed_ = false;
};

// A timer that calls a function.
class CallTimer final : public Timer {
 public:
  void call(TimerWheel& wheel, Seconds delay, Job job) {
    job_ = std::move(job);
    set(wheel, delay);
  }
  void fires() override {
    Job job = std::move(job_);
    job();
  }

 private:
  Job job_;
};

class TimerWheel {
 public:
  explicit TimerWheel(Steady now) : now_(now) {}
  // Fires what is due at `now`.
  void advance(Steady now);
  Steady now() const { return now_; }

 private:
  friend class Timer;
  static constexpr std::size_t slots = 512;
  void link(Timer& timer);
  void fire_slot(std::size_t slot);
  static std::int64_t second_of(Steady t) { return std::chrono::floor<Seconds>(t.time_since_epoch()).count(); }
  std::array<Timer*, slots> slots_{};
  Steady now_;
};

}  // namespace jackdaw
