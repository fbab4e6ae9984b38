// SPDX-License-Identifier: Apache-2.0
#include "router/grants.h"

#include "stanza/jid.h"

namespace jackdaw {

Result<Grant> parse_grant(std::string_view item) {
  Grant grant;
  while (!item.empty()) {
    const auto word = item.substr(0, item.find(' '));
    item.remove_prefix(std::min(word.size() + 1, item.size()));
    if (word.empty()) continue;
    if (grant.component.empty()) {
      auto name = prepare_domainpart(word);
      if (!name) return Failure{"'" + std::string(word) + "' is no component's name"};
      grant.component = std::move(*name);
      continue;
    }
    const auto split = word.find('=');
    if (split == word.npos || split == 0 || split + 1 == word.size())
      return Failure{"'" + std::string(word) + "' is not NAME=VALUE"};
    grant.words.emplace_back(word.substr(0, split), word.substr(split + 1));
  }
  if (grant.component.empty()) return Failure{"no component is named"};
  return grant;
}

}  // namespace jackdaw
