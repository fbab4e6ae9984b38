// Whether an account takes messages of people it does not know. A setting says it for a domain; the shared table
// "strangers" for single accounts: bare JID to "refuse" or "take".
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "router/shard.h"
#include "settings/setting.h"

namespace jackdaw {

constexpr std::string_view stranger_map = "strangers";

constexpr Setting<bool> message_refuse_strangers{
    .name = "message.refuse_strangers",
    .fallback = false,
    .scope = Scope::domain,
    .help =
        "Refuse messages to this domain's accounts from whom neither they nor the sender have subscribed to; `jackdaw "
        "user strangers` says it for one account."};

// On the account's home core.
inline bool refuses_strangers(Domain& domain, const BareJid& account) {
  const auto said = domain.shard().strangers().find(account.text());
  return said.empty() ? domain.value(message_refuse_strangers) : said == "refuse";
}

// Of an account that goes.
inline Task<void> forget_stranger_rule(Shard& shard, BareJid account) {
  if (shard.strangers().find(account.text()).empty()) co_return;
  const auto stored = co_await shard.server().store->map(stranger_map).set({}, account.text(), std::nullopt);
  if (stored) co_await publish_table(shard.server(), stranger_map, &Shard::strangers);
}

}  // namespace jackdaw
