// Checks a list setting whose items have a grammar of their own, such as addresses.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "base/result.h"
#include "settings/settings.h"

namespace jackdaw {

// The server's rows of `setting` and each domain's own: the first Failure of `read`, with the setting's name.
template <class Read>
Result<Done> check_rows(const Settings& settings, const Setting<StringList>& setting, Read read) {
  const auto check = [&](const StringList& rows, std::string_view domain) -> Result<Done> {
    if (const auto good = read(rows); !good)
      return Failure{full_name(domain, setting.name) + ": " + good.failure().what};
    return Done{};
  };
  if (auto good = check(settings.value(setting), {}); !good) return good;
  for (const auto& domain : settings.domains_with_own_values())
    if (auto good = check(settings.value(setting, domain), domain); !good) return good;
  return Done{};
}

}  // namespace jackdaw
