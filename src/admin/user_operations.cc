// Accounts: made, shown, locked, given another password, removed. Runs on the first core; what concerns an account that
// is awake is done on its home core by router/provision.h.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "admin/operations.h"
#include "router/aliases.h"
#include "router/provision.h"
#include "router/run_at.h"
#include "router/strangers.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

constexpr auto share = "administrator";  // of the workers that derive keys
constexpr std::int64_t usual_page = 1000, largest_page = 10'000;

Shard& first_shard(OperationContext& context) { return *context.server->shards.front(); }

// The address of an account; a Failure says what is wrong with it.
Result<BareJid> account_in(const OperationValues& values) {
  const std::string text = values.one("jid");
  const auto jid = BareJid::parse(text);
  if (!jid || !jid->has_localpart()) return Failure{printable(text) + ": not the address of an account (name@domain)"};
  return *jid;
}

OperationResult answer_of(OperationContext& context, Provisioned outcome, const BareJid& jid, std::string_view done) {
  if (outcome == Provisioned::done) return OperationAnswer{jid.text() + ": " + std::string{done} + '\n'};
  if (outcome == Provisioned::exists || outcome == Provisioned::not_there)
    if (const auto account = first_shard(context).aliases().find(jid.text()); !account.empty())
      return Failure{jid.text() + ": is another name of " + std::string{account}};
  return Failure{jid.text() + ": " + std::string{text_of(outcome)}};
}

Task<OperationResult> add_user(OperationContext& context, OperationValues values) {
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  NewAccount wanted{.jid = *jid,
                    .password = values.one("password"),
                    .rights = values.has("admin") ? Rights::whole().text() : std::string{},
                    .tombstone = values.has("reuse") ? Tombstone::ignore : Tombstone::respect,
                    .share = share};
  const auto outcome = co_await create_account(first_shard(context), std::move(wanted));
  if (outcome == Provisioned::removed_recently)
    co_return Failure{jid->text() + ": an account of this name was removed not long ago; --reuse gives the name again"};
  co_return answer_of(context, outcome, *jid, "added");
}

Task<OperationResult> change_user_password(OperationContext& context, OperationValues values) {
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  const auto outcome =
      co_await change_password(first_shard(context), *jid, values.one("password"), context.session, std::string{share});
  co_return answer_of(context, outcome, *jid, "password changed");
}

bool is_whole(const AccountRecord& record) {
  const auto rights = Rights::parse(record.rights);
  return !record.locked && rights && rights->has(Right::all, {});
}

// Whether an account may do everything, before it is changed.
Task<bool> may_everything(OperationContext& context, BareJid jid) {
  const auto record = co_await context.server->store->accounts().get(std::move(jid));
  co_return record.ok() && *record&& is_whole(**record);
}

// The answer, with a remark when the last account that may do everything has just gone. `could`: it was one.
Task<OperationResult> with_remark(OperationContext& context, OperationResult answer, bool could) {
  if (!answer || !could) co_return answer;
  const auto all = co_await context.server->store->accounts().administrators();
  const auto is_left = [&context](const AccountRecord& record) {
    return is_whole(record) && first_shard(context).domain(record.jid.domainpart());
  };
  if (all && std::ranges::none_of(*all, is_left))
    answer->text +=
        "No account has the right all any more; who may use the data directory gives it with `jackdaw user rights JID "
        "all`.\n";
  co_return answer;
}

Task<OperationResult> lock_user(OperationContext& context, OperationValues values) {
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  const bool could = co_await may_everything(context, *jid);
  auto answer = answer_of(context, co_await set_locked(first_shard(context), *jid, true), *jid, "locked");
  co_return co_await with_remark(context, std::move(answer), could);
}

Task<OperationResult> unlock_user(OperationContext& context, OperationValues values) {
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  co_return answer_of(context, co_await set_locked(first_shard(context), *jid, false), *jid, "unlocked");
}

Task<OperationResult> delete_user(OperationContext& context, OperationValues values) {
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  const bool could = co_await may_everything(context, *jid);
  auto answer = answer_of(context, co_await remove_account(first_shard(context), *jid), *jid, "removed");
  co_return co_await with_remark(context, std::move(answer), could);
}

Task<OperationResult> list_users(OperationContext& context, OperationValues values) {
  const auto limit = limit_from(values.one("limit"), usual_page, largest_page);
  if (!limit) co_return limit.failure();
  std::vector<std::string> domains = first_shard(context).domain_names();
  if (const std::string only = values.one("domain"); !only.empty()) {
    const auto domain = prepare_domainpart(only);
    if (!domain || !first_shard(context).domain(*domain))
      co_return Failure{printable(only) + ": this domain is not served"};
    domains = {*domain};
  }
  const std::string after = values.one("after");
  const std::string_view after_domain = JidView::of_prepared(after).domainpart();
  OperationTable table{.columns = {"jid", "rights", "locked", "created"}};
  for (const auto& domain : domains) {
    if (domain < after_domain) continue;
    const auto left = *limit - static_cast<std::int64_t>(table.rows.size());
    if (left == 0) break;
    const auto found =
        co_await context.server->store->accounts().list(domain, domain == after_domain ? after : "", left);
    if (!found) co_return found.failure();
    for (const auto& record : *found)
      table.rows.push_back({record.jid.text(), record.rights, record.locked, to_datetime(record.created)});
  }
  std::string remark;
  if (static_cast<std::int64_t>(table.rows.size()) == *limit)
    remark = "There may be more: --after " + std::get<std::string>(table.rows.back().front()) + '\n';
  co_return OperationAnswer{std::move(remark), std::move(table)};
}

std::string hashes_of(const AccountRecord& record) {
  static constexpr std::string_view names[] = {"SHA-1", "SHA-256", "SHA-512"};
  std::string text;
  for (Hash hash : all_hashes)
    if (record.keys[static_cast<std::size_t>(hash)])
      text.append(text.empty() ? "" : ", ").append(names[static_cast<std::size_t>(hash)]);
  return text;
}

std::int64_t sessions_of(Shard& home, const BareJid& jid) {
  Account* account = home.router().find_awake(jid.text());
  return account ? static_cast<std::int64_t>(account->resources().size()) : 0;
}

std::string aliases_of(Shard& shard, const BareJid& jid) {
  std::string names;
  for (const auto& [alias, account] : shard.aliases().rows())
    if (account == jid.text()) names += (names.empty() ? "" : ", ") + alias;
  return names;
}

Task<OperationResult> show_user(OperationContext& context, OperationValues values) {
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  const auto record = co_await context.server->store->accounts().get(*jid);
  if (!record) co_return record.failure();
  if (!*record) co_return answer_of(context, Provisioned::not_there, *jid, {});
  Shard& home = context.server->home(jid->text());
  const auto sessions = co_await offload(home.core(), [&home, &jid] { return sessions_of(home, *jid); });
  OperationTable table{.shape = OperationTable::Shape::record,
                       .columns = {"jid", "rights", "locked", "created", "keys", "sessions", "aliases", "strangers"}};
  const AccountRecord& is = **record;
  const std::string_view rule = first_shard(context).strangers().find(is.jid.text());
  table.rows.push_back({is.jid.text(), is.rights, is.locked, to_datetime(is.created), hashes_of(is), sessions,
                        aliases_of(first_shard(context), is.jid), std::string{rule.empty() ? "domain" : rule}});
  co_return OperationAnswer{{}, std::move(table)};
}

// Nobody gives rights that they have not.
Result<Done> may_give(const OperationContext& context, const OperationValues& values) {
  const auto rights = Rights::parse(values.one("rights"));
  if (!rights || context.actor.rights.cover(*rights)) return Done{};
  return Failure{"user rights: " + rights->text() + " can be given by who has it alone; " + context.actor.name +
                 " has " + context.actor.rights.text()};
}

Task<OperationResult> list_rights(OperationContext& context) {
  const auto all = co_await context.server->store->accounts().administrators();
  if (!all) co_return all.failure();
  OperationTable table{.columns = {"jid", "rights"}};
  for (const auto& record : *all) table.rows.push_back({record.jid.text(), record.rights});
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> change_rights(OperationContext& context, OperationValues values) {
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  const std::string text = values.one("rights");
  if (text.find_first_not_of(" \t") == text.npos)
    co_return Failure{"user rights: no rights are named; say none to take them away"};
  const auto rights = Rights::parse(text);
  if (!rights) co_return Failure{jid->text() + ": " + rights.failure().what};
  for (const auto& domain : rights->domains())
    if (!first_shard(context).domain(domain)) co_return Failure{printable(domain) + ": this domain is not served"};
  const bool could = co_await may_everything(context, *jid);
  const auto outcome = co_await set_rights(first_shard(context), *jid, rights->text());
  auto answer = answer_of(context, outcome, *jid, rights->empty() ? "no rights" : "may " + rights->text());
  co_return co_await with_remark(context, std::move(answer), could);
}

Task<OperationResult> show_rights(OperationContext& context, OperationValues values) {
  if (!values.has("jid") && values.has("rights")) co_return Failure{"user rights: whose? jid is missing"};
  if (!values.has("jid")) co_return co_await list_rights(context);
  if (values.has("rights")) co_return co_await change_rights(context, std::move(values));
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  const auto record = co_await context.server->store->accounts().get(*jid);
  if (!record) co_return record.failure();
  if (!*record) co_return answer_of(context, Provisioned::not_there, *jid, {});
  OperationTable table{.shape = OperationTable::Shape::record, .columns = {"jid", "rights"}};
  table.rows.push_back({jid->text(), (*record)->rights});
  co_return OperationAnswer{{}, std::move(table)};
}

// The two addresses of an alias and its account.
Result<BareJid> alias_in(const OperationValues& values) {
  const std::string text = values.one("alias");
  const auto jid = BareJid::parse(text);
  if (!jid || !jid->has_localpart()) return Failure{printable(text) + ": not an address of the form name@domain"};
  return *jid;
}

OperationResult answer_of(AliasChange outcome, const BareJid& alias, std::string_view done) {
  if (outcome == AliasChange::done) return OperationAnswer{alias.text() + ": " + std::string{done} + '\n'};
  return Failure{alias.text() + ": " + std::string{text_of(outcome)}};
}

Task<OperationResult> add_user_alias(OperationContext& context, OperationValues values) {
  const auto alias = alias_in(values), account = account_in(values);
  if (!alias) co_return alias.failure();
  if (!account) co_return account.failure();
  const auto outcome = co_await add_alias(first_shard(context), *alias, *account);
  const bool is_about_account = outcome == AliasChange::no_account || outcome == AliasChange::names_alias;
  co_return answer_of(outcome, is_about_account ? *account : *alias, "is another name of " + account->text());
}

Task<OperationResult> delete_user_alias(OperationContext& context, OperationValues values) {
  const auto alias = alias_in(values);
  if (!alias) co_return alias.failure();
  co_return answer_of(co_await remove_alias(first_shard(context), *alias), *alias, "no longer an alias");
}

Task<OperationResult> list_user_aliases(OperationContext& context, OperationValues) {
  OperationTable table{.columns = {"alias", "account"}};
  for (const auto& [alias, account] : first_shard(context).aliases().rows()) table.rows.push_back({alias, account});
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> set_strangers(OperationContext& context, OperationValues values) {
  const auto jid = account_in(values);
  if (!jid) co_return jid.failure();
  const std::string word = values.one("what");
  if (word != "refuse" && word != "take" && word != "domain")
    co_return Failure{printable(word) + ": say refuse, take, or domain (as message.refuse_strangers says)"};
  const auto record = co_await context.server->store->accounts().get(*jid);
  if (!record) co_return record.failure();
  if (!*record) co_return answer_of(context, Provisioned::not_there, *jid, {});
  const auto value = word == "domain" ? std::nullopt : std::optional{word};
  const auto stored = co_await context.server->store->map(stranger_map).set({}, jid->text(), value);
  if (!stored) co_return stored.failure();
  if (const auto still = co_await context.server->store->accounts().get(*jid); still && !*still) {
    co_await context.server->store->map(stranger_map).set({}, jid->text(), std::nullopt);
    co_return answer_of(context, Provisioned::not_there, *jid, {});
  }
  if (!co_await publish_table(*context.server, stranger_map, &Shard::strangers))
    co_return Failure{"it is stored, but not in force before the next start; the log says why"};
  const std::string done = word == "refuse" ? "refuses messages of strangers"
                           : word == "take" ? "takes messages of strangers"
                                            : "does with strangers as its domain";
  co_return answer_of(context, Provisioned::done, *jid, done);
}

const OperationArgument alias_argument{"alias", ArgumentType::jid, "The other name, name@domain."};
const OperationArgument jid_argument{"jid", ArgumentType::jid, "The account's address, name@domain."};
const OperationArgument password_argument{"password", ArgumentType::password, "Its password."};

}  // namespace

// Long: one row an operation.
const Operations& user_operations() {
  static const Operations rows{
      {.words = "user add",
       .arguments = {jid_argument, password_argument},
       .flags = {{.name = "admin",
                  .help = "The account may do everything: it gets the right all.",
                  .right = Right::all},
                 {"reuse", "Also when an account of this name was removed not long ago."}},
       .summary = "Makes an account.",
       .right = Right::users,
       .concerns = {"jid"},
       .run = add_user},
      {.words = "user passwd",
       .arguments = {jid_argument, password_argument},
       .summary = "Gives an account another password and ends its sessions.",
       .right = Right::users,
       .concerns = {"jid"},
       .run = change_user_password},
      {.words = "user list",
       .arguments = {{"domain", ArgumentType::domain, "Only accounts of this domain.", Times::optional}},
       .flags = {{"limit", "At most so many (1000).", ArgumentType::number},
                 {"after", "Begins behind this address.", ArgumentType::jid}},
       .summary = "Lists accounts.",
       .right = Right::users,
       .concerns = {"domain"},
       .run = list_users},
      {.words = "user show",
       .arguments = {jid_argument},
       .summary = "Shows what is kept of an account.",
       .right = Right::users,
       .concerns = {"jid"},
       .run = show_user},
      {.words = "user strangers",
       .arguments = {jid_argument,
                     {"what", ArgumentType::text, "refuse, take, or domain: as the domain's setting says."}},
       .summary = "Says whether an account takes messages of people it does not know.",
       .right = Right::users,
       .concerns = {"jid"},
       .run = set_strangers},
      {.words = "user rights",
       .arguments = {{"jid", ArgumentType::jid, "The account's address; without it all that have rights are listed.",
                      Times::optional},
                     {"rights", ArgumentType::text,
                      "all, settings, users or monitors, each alone or with @DOMAIN, separated by commas, in the place "
                      "of what it had; none takes them away. Without it the account's are shown.",
                      Times::optional}},
       .summary = "Says what an account may do as an administrator, on the whole server or for single domains.",
       .right = Right::all,
       .concerns = {"jid"},
       .may = may_give,
       .run = show_rights},
      {.words = "alias add",
       .arguments = {alias_argument, jid_argument},
       .summary = "Gives an account another name: what is sent to it arrives, and it logs the account in.",
       .right = Right::users,
       .concerns = {"alias", "jid"},
       .run = add_user_alias},
      {.words = "alias delete",
       .arguments = {alias_argument},
       .summary = "Takes an account's other name away.",
       .right = Right::users,
       .concerns = {"alias"},
       .run = delete_user_alias},
      {.words = "alias list",
       .summary = "Lists the other names of accounts.",
       .right = Right::users,
       .run = list_user_aliases},
      {.words = "user lock",
       .arguments = {jid_argument},
       .summary = "Ends an account's sessions and lets nobody log in to it.",
       .right = Right::users,
       .concerns = {"jid"},
       .run = lock_user},
      {.words = "user unlock",
       .arguments = {jid_argument},
       .summary = "Lets an account log in again.",
       .right = Right::users,
       .concerns = {"jid"},
       .run = unlock_user},
      {.words = "user delete",
       .arguments = {jid_argument},
       .summary = "Removes an account with everything that is kept for it, and tells its contacts.",
       .right = Right::users,
       .concerns = {"jid"},
       .run = delete_user},
  };
  return rows;
}

}  // namespace jackdaw
