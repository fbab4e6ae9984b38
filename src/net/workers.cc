// SPDX-License-Identifier: Apache-2.0
#include "net/workers.h"

namespace jackdaw {
namespace {

constexpr int most_jobs = 2000;
constexpr int most_jobs_of_one_share = 200;

}  // namespace

Workers::Workers(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool Workers::take_place(const std::string& share) {
  std::lock_guard lock(mutex_);
  if (places_ >= most_jobs) return false;
  int& here = shares_[share];
  if (here >= most_jobs_of_one_share) return false;
  ++here;
  ++places_;
  return true;
}

void Workers::give_place(const std::string& share) {
  std::lock_guard lock(mutex_);
  --places_;
  const auto found = shares_.find(share);
  if (found != shares_.end() && --found->second == 0) shares_.erase(found);
}

void Workers::post(Job job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  more_.notify_one();
}

void Workers::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace jackdaw
