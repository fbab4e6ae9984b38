// Time: steady for deadlines, wall for what people and stanzas see (XEP-0082 format).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace jackdaw {

using namespace std::chrono_literals;
using Seconds = std::chrono::seconds;
using Steady = std::chrono::steady_clock::time_point;
// Wall time in microseconds since 1970, UTC.
using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

// Where time comes from. Any thread. Tests replace it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Steady steady() const { return std::chrono::steady_clock::now(); }
  virtual TimePoint wall() const {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};
// The machine's own clock.
Clock& system_clock();

// "2026-11-20T13:40:36.123Z", milliseconds only when there are any (XEP-0082 §3.2).
std::string to_datetime(TimePoint when);

}  // namespace jackdaw
