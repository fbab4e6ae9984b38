// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace jackdaw {

std::string IdMaker::make(TimePoint now) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count();
  last_ = std::max(last_ + 1, static_cast<std::uint64_t>(ms) << 16);
  return fmt::format("{:016x}{}", last_, random_token(8));
}

}  // namespace jackdaw
