// Workers: a few threads for what would keep a core busy: key derivation, mostly. Bounded, with a share per address.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
#include "base/task.h"

namespace jackdaw {

class Workers final : private Executor {
 public:
  explicit Workers(int threads);
  ~Workers() override;

  // Runs `f` on a worker and returns its value here. Empty when too much is queued, in all (2,000 jobs) or for `share`
  // (200 jobs): ask the peer to come again later.
  template <class F>
  auto run(std::string share, F f) -> Task<std::optional<decltype(f())>> {
    if (!take_place(share)) co_return std::nullopt;
    auto value = co_await offload(static_cast<Executor&>(*this), std::move(f));
    give_place(share);
    co_return value;
  }

 private:
  void post(Job job) override;
  bool take_place(const std::string& share);
  void give_place(const std::string& share);
  void work();

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> jobs_;
  std::unordered_map<std::string, int> shares_;  // one entry a share with jobs under way
  int places_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace jackdaw
