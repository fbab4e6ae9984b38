// StartLoop: runs Tasks on a thread that is no core: before there are cores, and while they are being stopped.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "base/task.h"

namespace jackdaw {

// One at a time on a thread, which is its executor meanwhile.
class StartLoop final : public Executor {
 public:
  StartLoop() { set_current(this); }
  ~StartLoop() override { set_current(nullptr); }
  void post(Job job) override {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    more_.notify_one();
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> { out.emplace(co_await std::move(inner)); }(
                                                       std::move(task), value));
    while (!value) {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [&] { return !jobs_.empty(); });
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
    return std::move(*value);
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> jobs_;
};

}  // namespace jackdaw
