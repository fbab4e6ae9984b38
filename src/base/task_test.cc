// Tasks on two threads: what is offloaded runs there, and who waited goes on here.
// SPDX-License-Identifier: Apache-2.0
#include "base/task.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace jackdaw {
namespace {

// A thread that runs what is posted, until it is destroyed.
class OneThread final : public Executor {
 public:
  OneThread() : thread_([this] { work(); }) {}
  ~OneThread() override {
    post(Job{});
    thread_.join();
  }
  void post(Job job) override {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    more_.notify_one();
  }
  std::thread::id id() const { return thread_.get_id(); }

 private:
  void work() {
    set_current(this);
    for (;;) {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [&] { return !jobs_.empty(); });
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      if (!job) break;
      job();
    }
    set_current(nullptr);
  }
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> jobs_;
  std::thread thread_;
};

template <class T>
Task<void> tell(Task<T> task, std::promise<T>& promise) {
  try {
    promise.set_value(co_await std::move(task));
  } catch (...) {
    promise.set_exception(std::current_exception());
  }
}

// Runs `start`'s task on that thread and waits for its value.
template <class T>
T run(OneThread& thread, Task<T> (*start)(OneThread&), OneThread& other) {
  std::promise<T> promise;
  thread.post([&] { spawn(tell(start(other), promise)); });
  return promise.get_future().get();
}

Task<int> seven() { co_return 7; }
Task<int> twice(Task<int> task) { co_return 2 * co_await std::move(task); }
Task<int> nested(OneThread&) { co_return co_await twice(seven()); }
Task<int> throws(OneThread&) {
  co_await seven();
  throw std::runtime_error("out of here");
}

TEST(Task, ReturnsValuesThroughOthers) {
  OneThread here;
  EXPECT_EQ(run(here, nested, here), 14);
}

TEST(Task, CarriesExceptionsToWhoWaits) {
  OneThread here;
  EXPECT_THROW(run(here, throws, here), std::runtime_error);
}

Task<int> count_up(int& counter) {
  ++counter;
  co_return counter;
}
TEST(Task, DoesNotStartBeforeItIsAwaited) {
  int counter = 0;
  {
    const auto unused = count_up(counter);
  }
  EXPECT_EQ(counter, 0);
}

Task<std::string> visit(OneThread& other) {
  const auto home = std::this_thread::get_id();
  const auto there = co_await offload(other, [] { return std::this_thread::get_id(); });
  co_return std::string(there == other.id() ? "worked there" : "worked elsewhere") +
      (std::this_thread::get_id() == home ? ", back here" : ", lost");
}
TEST(Offload, RunsThereAndResumesHere) {
  OneThread here, there;
  EXPECT_EQ(run(here, visit, there), "worked there, back here");
}

Task<int> many_visits(OneThread& other) {
  int sum = 0;
  for (int i = 0; i < 1000; ++i) sum += co_await offload(other, [i] { return i; });
  co_return sum;
}
TEST(Offload, GoesThereAndBackOften) {
  OneThread here, there;
  EXPECT_EQ(run(here, many_visits, there), 499'500);
}

Task<int> already_set(OneThread&) {
  Later<int> later;
  later.set_here(3);
  co_return co_await later;
}
TEST(Later, SetBeforeItIsAwaited) {
  OneThread here;
  EXPECT_EQ(run(here, already_set, here), 3);
}

Task<std::string> move_only(OneThread& other) {
  Later<std::unique_ptr<std::string>> later;
  other.post([&later] { later.set(std::make_unique<std::string>("moved")); });
  const auto value = co_await later;
  co_return *value;
}
TEST(Later, TakesWhatCanOnlyBeMoved) {
  OneThread here, there;
  EXPECT_EQ(run(here, move_only, there), "moved");
}

TEST(Executor, IsNoneOnATestsThread) { EXPECT_EQ(Executor::current(), nullptr); }

}  // namespace
}  // namespace jackdaw
