// Job: a move-only call to be made once, later, perhaps on another thread. Small captures stay inside it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace jackdaw {

class Job {
 public:
  Job() = default;
  template <class F>
    requires(!std::is_same_v<std::decay_t<F>, Job>)
  Job(F&& f) {
    using Fn = std::decay_t<F>;
    if constexpr (sizeof(Fn) <= sizeof(room_) && std::is_nothrow_move_constructible_v<Fn>) {
      new (room_) Fn(std::forward<F>(f));
      ops_ = &inline_ops<Fn>;
    } else {
      new (room_) Fn*(new Fn(std::forward<F>(f)));
      ops_ = &heap_ops<Fn>;
    }
  }
  Job(Job&& other) noexcept { take(other); }
  Job& operator=(Job&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  ~Job() { clear(); }

  void operator()() { ops_->call(room_); }
  explicit operator bool() const { return ops_ != nullptr; }

 private:
  struct Ops {
    void (*call)(void*);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };
  template <class Fn>
  static constexpr Ops inline_ops{[](void* p) { (*static_cast<Fn*>(p))(); },
                                  [](void* from, void* to) noexcept {
                                    new (to) Fn(std::move(*static_cast<Fn*>(from)));
                                    static_cast<Fn*>(from)->~Fn();
                                  },
                                  [](void* p) noexcept { static_cast<Fn*>(p)->~Fn(); }};
  template <class Fn>
  static constexpr Ops heap_ops{[](void* p) { (**static_cast<Fn**>(p))(); },
                                [](void* from, void* to) noexcept { new (to) Fn*(*static_cast<Fn**>(from)); },
                                [](void* p) noexcept { delete *static_cast<Fn**>(p); }};

  void take(Job& other) noexcept {
    ops_ = std::exchange(other.ops_, nullptr);
    if (ops_) ops_->move(other.room_, room_);
  }
  void clear() noexcept {
    if (ops_) std::exchange(ops_, nullptr)->destroy(room_);
  }

  const Ops* ops_ = nullptr;
  alignas(std::max_align_t) std::byte room_[48];
};

}  // namespace jackdaw
