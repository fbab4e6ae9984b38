// Result<T>: a value or the Failure that prevented it. For failures of the world (disk, network, configuration);
// a peer's mistake is a StanzaError or StreamError, our own a Bug (base/check.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace jackdaw {

// What went wrong, to whom, and what to do: one line for a person.
struct Failure {
  std::string what;
};

// The value of an operation that has none.
struct Done {};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // The value; asking for it after a failure is a Bug.
  T& value() {
    check(ok(), "value of a failed result");
    return *std::get_if<0>(&state_);
  }
  const T& value() const {
    check(ok(), "value of a failed result");
    return *std::get_if<0>(&state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Failure& failure() const {
    check(!ok(), "failure of a good result");
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Failure> state_;
};

}  // namespace jackdaw
