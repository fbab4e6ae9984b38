// SPDX-License-Identifier: Apache-2.0
#include "net/core.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"

namespace jackdaw {
namespace {

constexpr int max_events = 512;
constexpr int longest_wait_ms = 1000;  // the wheel's tick

}  // namespace

void TurnEnd::at_turn_end(Core& core) {
  if (core_) return;
  core_ = &core;
  place_ = core.turn_ends_.size();
  core.turn_ends_.push_back(this);
}

TurnEnd::~TurnEnd() {
  if (core_) core_->turn_ends_[place_] = nullptr;
}

Core::Core(int number, Clock& clock, Faults* faults)
    : number_(number),
      clock_(clock),
      faults_(faults),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      now_(clock.steady()),
      timers_(now_),
      events_(max_events),
      read_buffer_(new char[buffer_size + 64]) {
  check(epoll_ >= 0 && wake_ >= 0, "no descriptors left for a core");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  check(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0, "epoll refuses the wake-up descriptor");
}

Core::~Core() {
  ::close(wake_);
  ::close(epoll_);
}

Core* Core::here() { return static_cast<Core*>(Executor::current()); }

void Core::stop() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
}

void Core::post(Job job) {
  auto* poster = dynamic_cast<Core*>(Executor::current());
  if (poster && poster != this) {
    for (auto& [core, jobs] : poster->outgoing_)
      if (core == this) return jobs.push_back(std::move(job));
    poster->outgoing_.emplace_back(this, std::vector<Job>{});
    return poster->outgoing_.back().second.push_back(std::move(job));
  }
  std::vector<Job> one;
  one.push_back(std::move(job));
  receive(one);
}

void Core::receive(std::vector<Job>& jobs) {
  {
    std::lock_guard lock(mutex_);
    if (posted_.empty())
      posted_.swap(jobs);
    else
      std::move(jobs.begin(), jobs.end(), std::back_inserter(posted_));
  }
  jobs.clear();
  if (woken_.exchange(true)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
}

void Core::watch(int descriptor, Watched& what) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &what}};
  check(epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll refuses a descriptor");
}

void Core::unwatch(int descriptor, Watched& what) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  for (auto i = event_at_; i < event_count_; ++i)
    if (events_[i].data.ptr == &what) events_[i].events = 0;
}

void Core::resume_soon(std::coroutine_handle<> waiting) { ready_.push_back(waiting); }

void Core::tick() {
  now_ = clock_.steady();
  timers_.advance(now_);
}

void Core::run() {
  set_current(this);
  while (!stopping_) {
    wait_for_events();
    ++turn_;
    tick();
    for (event_at_ = 0; event_at_ < event_count_;) {
      const auto& event = events_[event_at_++];
      if (event.events == 0) continue;
      if (event.data.ptr) static_cast<Watched*>(event.data.ptr)->ready(event.events);
    }
    event_count_ = 0;
    run_posted();
    run_ready();
    end_turn();
  }
  set_current(nullptr);
}

void Core::wait_for_events() {
  const bool idle = ready_.empty() && ready_jobs_.empty();
  const int n = epoll_wait(epoll_, events_.data(), max_events, idle ? longest_wait_ms : 0);
  event_count_ = n > 0 ? static_cast<std::size_t>(n) : 0;
}

void Core::run_posted() {
  if (!woken_.load(std::memory_order_acquire)) return;
  std::uint64_t count;
  [[maybe_unused]] const auto n = ::read(wake_, &count, sizeof count);
  woken_.store(false, std::memory_order_release);
  std::vector<Job> jobs;
  {
    std::lock_guard lock(mutex_);
    jobs.swap(posted_);
  }
  for (auto& job : jobs) job();
}

// Only what is ready now: what it wakes in turn waits for the next turn, so nobody is starved.
void Core::run_ready() {
  std::vector<std::coroutine_handle<>> ready;
  ready.swap(ready_);
  for (auto waiting : ready) waiting.resume();
  std::vector<Job> jobs;
  jobs.swap(ready_jobs_);
  for (auto& job : jobs) job();
}

void Core::end_turn() {
  for (std::size_t i = 0; i < turn_ends_.size(); ++i) {
    TurnEnd* what = turn_ends_[i];
    if (!what) continue;
    what->core_ = nullptr;
    what->turn_ends();
  }
  turn_ends_.clear();
  hand_over();
}

void Core::hand_over() {
  for (auto& [core, jobs] : outgoing_)
    if (!jobs.empty()) core->receive(jobs);
}

}  // namespace jackdaw
