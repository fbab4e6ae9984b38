// TestLoop: the executor of a test's own thread. Begin at run().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/task.h"

namespace jackdaw {

// The thread that makes it is the one that runs the jobs, as long as run() does.
class TestLoop final : public Executor {
 public:
  TestLoop() { set_current(this); }
  TestLoop(const TestLoop&) = delete;
  ~TestLoop() override { set_current(nullptr); }

  void post(Job job) override {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    wake_.notify_one();  // under the lock: with this job done the loop may be gone
  }

  // Runs jobs until `task` is done, at most a minute.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    spawn(keep(std::move(task), result));
    run_until([&] { return result.has_value(); });
    return std::move(*result);
  }

  // The same for many that run side by side.
  void run_all(std::vector<Task<void>> tasks) {
    std::size_t left = tasks.size();
    for (auto& task : tasks) spawn(count_down(std::move(task), left));
    run_until([&] { return left == 0; });
  }

  // Until `done` says so; asked between jobs.
  template <class F>
  void run_until(F done) {
    while (!done()) run_one();
  }
  bool idle() {
    std::lock_guard lock(mutex_);
    return jobs_.empty();
  }

 private:
  void run_one() {
    Job job;
    {
      std::unique_lock lock(mutex_);
      const bool woken = wake_.wait_for(lock, std::chrono::minutes{1}, [this] { return !jobs_.empty(); });
      check(woken, "a test waited for a minute");
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  static Task<void> count_down(Task<void> task, std::size_t& left) {
    co_await std::move(task);
    --left;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
};

}  // namespace jackdaw
