// Grants: what the administrator lets a component do beyond its own addresses, as settings have it: the component's
// name, then words, such as "pubsub.example.org roster=both message=outgoing".
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "settings/settings.h"

namespace jackdaw {

struct Grant {
  std::string component;                                   // prepared
  std::vector<std::pair<std::string, std::string>> words;  // name and value, in order
};

// Failure: what is wrong.
Result<Grant> parse_grant(std::string_view item);

}  // namespace jackdaw
