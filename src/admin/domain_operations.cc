// Domains: those of jackdaw.toml are shown, those added at run time (store map "domains") can be deleted too.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "admin/operations.h"
#include "router/shard.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

const char* const domains_map = "domains";

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The domains of the file as a JID has them.
std::vector<std::string> domains_of_file(const Settings& settings) {
  std::vector<std::string> names;
  for (const auto& name : settings.domains()) names.push_back(prepare_domainpart(name).value_or(name));
  return names;
}

Result<std::string> domain_in(const OperationValues& values) {
  const std::string text = values.one("domain");
  const auto name = prepare_domainpart(text);
  if (!name) return Failure{printable(text) + ": no valid domain name"};
  return *name;
}

Task<OperationResult> list_domains(OperationContext& context, OperationValues) {
  Shard& shard = *context.server->shards.front();
  const auto of_file = domains_of_file(shard.settings());
  const auto kept = co_await context.server->store->map(domains_map).all({});
  if (!kept) co_return kept.failure();
  OperationTable table{.columns = {"domain", "from"}};
  for (const auto& name : shard.domain_names()) {
    const bool stored = std::any_of(kept->begin(), kept->end(), [&](const auto& row) { return row.first == name; });
    table.rows.push_back({name, contains(of_file, name) ? "settings" : stored ? "command" : "default"});
  }
  co_return OperationAnswer{{}, std::move(table)};
}

// Whether it has accounts, or settings of its own.
Task<Result<bool>> is_in_use(Store& store, std::string domain) {
  const auto accounts = co_await store.accounts().list(domain, "", 1);
  if (!accounts) co_return accounts.failure();
  const auto settings = co_await store.map("settings").all({});
  if (!settings) co_return settings.failure();
  const std::string prefix = domain + ' ';
  co_return !accounts->empty() ||
      std::ranges::any_of(*settings, [&](const auto& row) { return row.first.starts_with(prefix); });
}

Task<OperationResult> add_domain(OperationContext& context, OperationValues values) {
  const auto name = domain_in(values);
  if (!name) co_return name.failure();
  MapStore& domains = context.server->store->map(domains_map);
  const auto kept = co_await domains.get({}, *name);
  if (!kept) co_return kept.failure();
  Shard& shard = *context.server->shards.front();
  if (*kept || contains(domains_of_file(shard.settings()), *name)) co_return Failure{*name + ": is served already"};
  // The domain that is served where none is named would go with the first that is: not if it is used.
  const auto all = co_await domains.all({});
  if (!all) co_return all.failure();
  Batch added{BareJid{}}, undoing{BareJid{}};
  std::string remark;
  const bool none_named = all->empty() && domains_of_file(shard.settings()).empty();
  for (const auto& unnamed : none_named ? shard.domain_names() : std::vector<std::string>{}) {
    const auto in_use = co_await is_in_use(*context.server->store, unnamed);
    if (!in_use) co_return in_use.failure();
    if (!*in_use || unnamed == *name) continue;
    added.set(domains_map, unnamed, to_datetime(context.server->clock->wall()));
    undoing.set(domains_map, unnamed, std::nullopt);
    remark += unnamed + ": still served, as it has accounts or settings of its own\n";
  }
  added.set(domains_map, *name, to_datetime(context.server->clock->wall()));
  undoing.set(domains_map, *name, std::nullopt);
  const auto stored = co_await context.server->store->write(std::move(added));
  if (!stored) co_return stored.failure();
  const auto reloaded = co_await context.reload();
  if (reloaded) co_return OperationAnswer{*name + ": added\n" + remark};
  const auto undone = co_await context.server->store->write(std::move(undoing));
  co_return Failure{*name + ": not added: " + (undone ? reloaded.failure() : undone.failure()).what};
}

// What must be done before, or empty.
Task<Result<std::string>> why_kept(OperationContext& context, const std::string& name) {
  if (contains(domains_of_file(context.server->shards.front()->settings()), name))
    co_return name + ": stands in the settings file or on the command line; take it out there";
  const auto kept = co_await context.server->store->map(domains_map).get({}, name);
  if (!kept) co_return kept.failure();
  if (!*kept) co_return name + ": there is no such domain to delete";
  const auto accounts = co_await context.server->store->accounts().list(name, "", 1);
  if (!accounts) co_return accounts.failure();
  if (!accounts->empty())
    co_return name + ": has accounts; `jackdaw user list " + name + "` shows them, `jackdaw user delete` removes one";
  const auto administrators = co_await context.server->store->accounts().administrators();
  if (!administrators) co_return administrators.failure();
  for (const auto& record : *administrators)
    if (const auto rights = Rights::parse(record.rights); rights && contains(rights->domains(), name))
      co_return name + ": " + record.jid.text() + " has rights for it (" + record.rights +
          "); give others with `jackdaw user rights`";
  co_return std::string{};
}

// The domain together with its own settings: those of a domain that is not served would be an error.
Task<OperationResult> delete_domain(OperationContext& context, OperationValues values) {
  const auto name = domain_in(values);
  if (!name) co_return name.failure();
  const auto why = co_await why_kept(context, *name);
  if (!why) co_return why.failure();
  if (!why->empty()) co_return Failure{*why};
  Store& store = *context.server->store;
  const auto changes = co_await store.map("settings").all({});
  if (!changes) co_return changes.failure();
  Batch removal{BareJid{}}, undoing{BareJid{}};
  removal.set(domains_map, *name, std::nullopt);
  undoing.set(domains_map, *name, to_datetime(context.server->clock->wall()));
  for (const auto& [key, text] : *changes) {
    if (!key.starts_with(*name + ' ')) continue;
    removal.set("settings", key, std::nullopt);
    undoing.set("settings", key, text);
  }
  const auto removed = co_await store.write(std::move(removal));
  if (!removed) co_return removed.failure();
  const auto reloaded = co_await context.reload();
  if (reloaded) co_return OperationAnswer{*name + ": deleted\n"};
  const auto undone = co_await store.write(std::move(undoing));
  co_return Failure{*name + ": not deleted: " + (undone ? reloaded.failure() : undone.failure()).what};
}

const OperationArgument domain_argument{"domain", ArgumentType::domain, "The domain's name."};

}  // namespace

const Operations& domain_operations() {
  static const Operations rows{
      {.words = "domain list",
       .summary = "Lists the domains that are served, and where each comes from.",
       .right = Right::monitors,
       .run = list_domains},
      {.words = "domain add",
       .arguments = {domain_argument},
       .summary = "Serves one more domain, with a certificate of its own making until it gets another.",
       .right = Right::all,
       .run = add_domain},
      {.words = "domain delete",
       .arguments = {domain_argument},
       .summary = "Serves a domain no longer that was added by command and has no accounts.",
       .right = Right::all,
       .run = delete_domain},
  };
  return rows;
}

}  // namespace jackdaw
