// Task<T>: a coroutine that may wait. Lazy: it starts when awaited or spawned, on the thread that does so, and
// resumes there. docs/design/cores.md says why it is ours and not asio::awaitable.
//
// Errors: an exception leaves through co_await; out of a spawned Task it ends the process (catch it before).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/executor.h"

namespace jackdaw {

template <class T = void>
class Task;

namespace detail {

struct TaskPromiseBase {
  std::coroutine_handle<> waiting = std::noop_coroutine();
  std::exception_ptr error;

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      return self.promise().waiting;
    }
    void await_resume() noexcept {}
  };
  std::suspend_always initial_suspend() noexcept { return {}; }
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() { error = std::current_exception(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& u) {
    value.emplace(std::forward<U>(u));
  }
  T take() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void take() {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    handle_.promise().waiting = waiting;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
}

// A coroutine that nobody awaits: frees itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};
inline Detached run_detached(Task<void> task) { co_await std::move(task); }
}  // namespace detail

// Starts `task` now, on this thread; it runs until its first wait and goes on by itself.
inline void spawn(Task<void> task) { detail::run_detached(std::move(task)); }

// Waits for a value that is given later, on any thread; resumes on the executor that awaited. One waiter, one value.
// Usage:  Later<int> later;  start(later.setter());  int n = co_await later;
template <class T>
class Later {
 public:
  Later() : executor_(Executor::current()) {}
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;

  // Any thread, once. The waiter must still be there: a Later is a local variable of a coroutine that awaits it.
  void set(T value) {
    executor_->post([this, v = std::move(value)]() mutable { set_here(std::move(v)); });
  }
  // The same on the waiter's own thread.
  void set_here(T value) {
    value_.emplace(std::move(value));
    if (waiting_) std::exchange(waiting_, nullptr).resume();
  }

  bool await_ready() const noexcept { return value_.has_value(); }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  T await_resume() { return std::move(*value_); }

 private:
  Executor* executor_;
  std::coroutine_handle<> waiting_;
  std::optional<T> value_;
};

// Runs `f` on `worker` and returns its value here.
template <class F>
auto offload(Executor& worker, F f) -> Task<decltype(f())> {
  Later<decltype(f())> later;
  worker.post([&later, call = std::move(f)]() mutable { later.set(call()); });
  co_return co_await later;
}

}  // namespace jackdaw
