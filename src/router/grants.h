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

// The server's rows of `setting` and each domain's own: the first Failure of `read`, with the setting's name.
template <class Read>
Result<Done> check_rows(const Settings& settings, const Setting<StringList>& setting, Read read) {
  const auto check = [&](const StringList& rows) -> Result<Done> {
    if (const auto good = read(rows); !good) return Failure{std::string(setting.name) + ": " + good.failure().what};
    return Done{};
  };
  if (auto good = check(settings.value(setting)); !good) return good;
  for (const auto& domain : settings.domains_with_own_values())
    if (auto good = check(settings.value(setting, domain)); !good) return good;
  return Done{};
}

}  // namespace jackdaw
