// Ids of archived and offline messages: 128 bits as 32 hex digits, 48 of time in milliseconds, 16 that count within
// one, 64 random. Those of one maker sort in the order of making, also when the clock goes back.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace jackdaw {

// When it was made, as its maker was told. The epoch, when it is no id.
TimePoint time_of_id(std::string_view id);

class IdMaker {
 public:
  std::string make(TimePoint now);

 private:
  std::uint64_t last_ = 0;  // milliseconds << 16 | counter
};

}  // namespace jackdaw
