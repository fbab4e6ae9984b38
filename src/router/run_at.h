// run_at(): runs a Task on another shard's core and resumes here with its value, or its exception.
//
// `work` makes the Task there; what it captures must outlive the call. On the shard's own core it is called at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "base/task.h"
#include "router/shard.h"

namespace jackdaw {
namespace detail {

template <class T>
struct Outcome {
  std::optional<T> value;
  std::exception_ptr error;
};

template <class T>
Task<void> run_and_tell(const std::function<Task<T>()>& work, Later<Outcome<T>>& later) {
  Outcome<T> outcome;
  try {
    outcome.value.emplace(co_await work());
  } catch (...) {
    outcome.error = std::current_exception();
  }
  later.set(std::move(outcome));
}

}  // namespace detail

template <class T>
Task<T> run_at(Shard& shard, std::function<Task<T>()> work) {
  if (Executor::current() == &shard.core()) co_return co_await work();
  Later<detail::Outcome<T>> later;
  shard.core().post([&work, &later] { spawn(detail::run_and_tell<T>(work, later)); });
  auto outcome = co_await later;
  if (outcome.error) std::rethrow_exception(outcome.error);
  co_return std::move(*outcome.value);
}

}  // namespace jackdaw
