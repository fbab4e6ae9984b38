// Faults: a test's door into the socket calls: the n-th of them fails. Null in a server that serves.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>

namespace jackdaw {

struct Faults {
  std::atomic<std::int64_t> countdown{0};  // 0 or less: no fault

  // True for the call that is to fail. Any thread.
  bool strikes() { return countdown.load(std::memory_order_relaxed) > 0 && countdown.fetch_sub(1) == 1; }
};

}  // namespace jackdaw
