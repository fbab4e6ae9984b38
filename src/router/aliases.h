// Other names of accounts: what is sent to one arrives at its account, and its name logs the account in.
//
// Shared table "aliases": alias to account, both bare JIDs.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "base/task.h"
#include "router/shared_table.h"
#include "stanza/jid.h"

namespace jackdaw {

constexpr std::string_view alias_map = "aliases";

// The account of an alias, or what it is itself.
inline BareJid account_of(const SharedTable& aliases, BareJid jid) {
  const auto account = aliases.find(jid.text());
  return account.empty() ? jid : BareJid{JidView::of_prepared(account)};
}

enum class AliasChange { done, is_account, no_account, names_alias, no_such_domain, is_alias, is_none, failed };
// One sentence for people.
std::string_view text_of(AliasChange outcome);

// Any core. Behind these every core knows. An alias names an account, never another alias: from any name to the
// account it is one step.
Task<AliasChange> add_alias(Shard& shard, BareJid alias, BareJid account);
Task<AliasChange> remove_alias(Shard& shard, BareJid alias);
// At the start: what a crash has left between an account's end and that of its aliases.
Task<Result<Done>> drop_dangling_aliases(Store& store);
// All of an account that goes.
Task<void> remove_aliases_of(Shard& shard, BareJid account);

}  // namespace jackdaw
