// A store that fails when a test says so.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "store/store.h"

namespace jackdaw {

// Counts every call that is awaited, of the store and of its maps, archives and accounts. Set `countdown` to n: the
// n-th call from then answers a Failure and does nothing; the others go to `inner`, as they do while it is 0 or less.
// Any thread.
std::unique_ptr<Store> make_faulty_store(std::unique_ptr<Store> inner,
                                         std::shared_ptr<std::atomic<std::int64_t>> countdown);

}  // namespace jackdaw
