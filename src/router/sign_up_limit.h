// How often one address may ask for a new account. On one core; the caller takes care that an address always comes to
// the same one.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace jackdaw {

class SignUpLimit {
 public:
  static constexpr std::size_t most_addresses = 10'000;

  // Counts one request of `group` (net/address.h, address_group()). False: it has to wait until its hour is over, or
  // the table is full of addresses whose hour is not. `per_hour` 0: no limit, nothing is counted.
  bool admit(const std::string& group, std::int64_t per_hour, Steady now) {
    if (per_hour == 0) return true;
    auto found = asked_.find(group);
    if (found == asked_.end()) {
      if (asked_.size() >= most_addresses)
        std::erase_if(asked_, [&](const auto& a) { return now - a.second.since >= 1h; });
      if (asked_.size() >= most_addresses) return false;
      found = asked_.emplace(group, Asked{now, 0}).first;
    }
    Asked& asked = found->second;
    if (now - asked.since >= 1h) asked = {now, 0};
    return asked.times < per_hour && ++asked.times > 0;
  }

 private:
  struct Asked {
    Steady since;
    std::int64_t times;
  };
  std::unordered_map<std::string, Asked> asked_;
};

}  // namespace jackdaw
