// What a database error means to a person: which file, what, what to do; and a log that doesn't repeat itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace jackdaw {

// `code` is SQLite's (extended) result code, `text` its own message.
Failure diagnose(const std::string& file, int code, std::string_view text);
// The same for a call of the operating system; `error` is errno.
Failure diagnose_system(const std::string& file, std::string_view doing, int error);

// Counts every failure and logs at most one a minute. Any thread.
class FailureLog {
 public:
  void note(const Failure& failure);

 private:
  std::mutex mutex_;
  std::optional<Steady> last_;
  std::int64_t unsaid_ = 0;
};

}  // namespace jackdaw
