// Request: one call to the store on its way to a database thread and back.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "base/task.h"
#include "store/sqlite/connection.h"

namespace jackdaw {

class Request {
 public:
  explicit Request(std::int64_t bytes) : bytes_(bytes) {}
  Request(const Request&) = delete;
  virtual ~Request() = default;

  // On the database's thread. What it answers counts only once it is kept; a failure of the connection stays there.
  virtual void run(Connection& database) = 0;
  // Takes the place of whatever run() answered.
  virtual void fail(const Failure& failure) = 0;
  // Sends the answer to the waiting caller. Once, last.
  virtual void finish() = 0;

  std::int64_t bytes() const { return bytes_; }

 private:
  std::int64_t bytes_;
};

// `F` is called with the Connection and gives a T. `later` is the caller's, who waits.
template <class T, class F>
class Call final : public Request {
 public:
  Call(F f, Later<Result<T>>& later, std::int64_t bytes) : Request(bytes), call_(std::move(f)), later_(later) {}

  void run(Connection& database) override { answer_.emplace(call_(database)); }
  void fail(const Failure& failure) override { answer_.emplace(failure); }
  void finish() override { later_.set(std::move(*answer_)); }

 private:
  F call_;
  Later<Result<T>>& later_;
  std::optional<Result<T>> answer_;
};

}  // namespace jackdaw
