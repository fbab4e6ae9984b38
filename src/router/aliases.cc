// SPDX-License-Identifier: Apache-2.0
#include "router/aliases.h"

#include "router/shard.h"

namespace jackdaw {
namespace {

const Log& alias_log() {
  static const Log made{"ACCOUNTS"};
  return made;
}

}  // namespace

Task<Result<Done>> drop_dangling_aliases(Store& store) {
  const auto rows = co_await read_table(store, alias_map);
  if (!rows) co_return rows.failure();
  for (const auto& [alias, account] : **rows) {
    const auto there = co_await store.accounts().get(BareJid{JidView::of_prepared(alias)});
    const auto meant = co_await store.accounts().get(BareJid{JidView::of_prepared(account)});
    if (!there || !meant) co_return (there ? meant : there).failure();
    if (!*there && *meant) continue;
    if (const auto gone = co_await store.map(alias_map).set({}, alias, std::nullopt); !gone) co_return gone;
    alias_log().major("an alias without its account is removed", {{"alias", alias}, {"account", account}});
  }
  co_return Done{};
}

std::string_view text_of(AliasChange outcome) {
  switch (outcome) {
    case AliasChange::done:
      return "It is done.";
    case AliasChange::is_account:
      return "There is an account of this name.";
    case AliasChange::no_account:
      return "There is no such account.";
    case AliasChange::names_alias:
      return "It is an alias itself: name its account.";
    case AliasChange::no_such_domain:
      return "This server does not serve that domain.";
    case AliasChange::is_alias:
      return "It is an alias of another account.";
    case AliasChange::is_none:
      return "It is no alias.";
    case AliasChange::failed:
      return "The server could not store it; its log says why.";
  }
  return {};
}

Task<AliasChange> add_alias(Shard& shard, BareJid alias, BareJid account) {
  Server& server = shard.server();
  if (!shard.domain(alias.domainpart())) co_return AliasChange::no_such_domain;
  if (alias.localpart().starts_with(temporary_prefix)) co_return AliasChange::is_account;
  const auto there = co_await server.store->accounts().get(alias);
  const auto meant = co_await server.store->accounts().get(account);
  const auto old = co_await server.store->map(alias_map).get({}, alias.text());
  if (!there || !meant || !old) co_return AliasChange::failed;
  if (*there) co_return AliasChange::is_account;
  if (!*meant)
    co_return account_of(shard.aliases(), account) == account ? AliasChange::no_account : AliasChange::names_alias;
  if (*old && **old != account.text()) co_return AliasChange::is_alias;
  const auto stored = co_await server.store->map(alias_map).set({}, alias.text(), account.text());
  if (!stored) co_return AliasChange::failed;
  const auto made = co_await server.store->accounts().get(alias);
  const auto still = co_await server.store->accounts().get(account);
  if (!made || *made || !still || !*still) {
    co_await server.store->map(alias_map).set({}, alias.text(), std::nullopt);
    co_return !made || !still ? AliasChange::failed : *made ? AliasChange::is_account : AliasChange::no_account;
  }
  if (!co_await publish_table(server, alias_map, &Shard::aliases)) co_return AliasChange::failed;
  alias_log().major("alias added", {{"alias", alias.text()}, {"account", account.text()}});
  co_return AliasChange::done;
}

Task<AliasChange> remove_alias(Shard& shard, BareJid alias) {
  Server& server = shard.server();
  const auto old = co_await server.store->map(alias_map).get({}, alias.text());
  if (!old) co_return AliasChange::failed;
  if (!*old) co_return AliasChange::is_none;
  const auto stored = co_await server.store->map(alias_map).set({}, alias.text(), std::nullopt);
  if (!stored) co_return AliasChange::failed;
  if (!co_await publish_table(server, alias_map, &Shard::aliases)) co_return AliasChange::failed;
  alias_log().major("alias removed", {{"alias", alias.text()}});
  co_return AliasChange::done;
}

Task<void> remove_aliases_of(Shard& shard, BareJid account) {
  std::vector<BareJid> gone;
  const auto rows = co_await read_table(*shard.server().store, alias_map);
  if (!rows) co_return;  // the next start drops them
  for (const auto& [alias, whose] : **rows)
    if (whose == account.text()) gone.emplace_back(JidView::of_prepared(alias));
  for (const auto& alias : gone) co_await remove_alias(shard, alias);
}

}  // namespace jackdaw
