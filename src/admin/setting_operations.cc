// Settings at run time: shown, changed, taken back. Changes are kept in the store's map "settings" under "domain name".
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "admin/operations.h"
#include "router/shard.h"
#include "settings/merge.h"
#include "settings/printable.h"
#include "settings/setting_text.h"

namespace jackdaw {
namespace {

const Settings& settings_in_force(OperationContext& context) { return context.server->shards.front()->settings(); }

std::string_view name_of(Origin origin) {
  static constexpr std::string_view names[] = {"default", "command", "settings file", "command line"};
  return names[static_cast<std::size_t>(origin)];
}

// Which setting, of which domain; an empty domain is the server.
struct Meant {
  const SettingRow* row = nullptr;
  std::string domain;
  std::string key() const { return domain + ' ' + std::string{row->name}; }
  std::string shown() const { return full_name(domain, row->name); }
};

Result<std::string> domain_flag(OperationContext& context, const OperationValues& values) {
  const std::string text = values.one("domain");
  if (text.empty()) return std::string{};
  const auto name = prepare_domainpart(text);
  if (name && context.server->shards.front()->domain(*name)) return *name;
  return Failure{printable(text) + ": this domain is not served"};
}

Result<Meant> meant_by(OperationContext& context, const OperationValues& values) {
  const auto domain = domain_flag(context, values);
  if (!domain) return domain.failure();
  const SettingTable& table = settings_in_force(context).table();
  const std::string name = values.one("name");
  const SettingRow* row = table.find(name);
  if (!row) {
    const std::string near = table.nearest(name);
    return Failure{printable(name) + ": there is no such setting" + (near.empty() ? "" : "; is " + near + " meant?")};
  }
  if (!domain->empty() && row->scope != Scope::domain)
    return Failure{std::string{row->name} + ": is a setting of the whole server; leave the domain out"};
  return Meant{row, *domain};
}

// Who has a domain does not choose among the files of the machine.
Result<Done> may_change(const OperationContext& context, const OperationValues& values) {
  const SettingRow* row = context.settings->find(values.one("name"));
  if (!row || !row->names_file || context.actor.rights.has(Right::settings, {})) return Done{};
  return Failure{std::string{row->name} +
                 ": names a file of the server's machine, which needs the right settings for the whole server"};
}

Task<OperationResult> list_settings(OperationContext& context, OperationValues values) {
  const auto domain = domain_flag(context, values);
  if (!domain) co_return domain.failure();
  const Settings& settings = settings_in_force(context);
  OperationTable table{.columns = {"name", "value", "from", "pinned"}};
  for (const SettingRow* row : settings.table().rows()) {
    if (!domain->empty() && row->scope != Scope::domain) continue;
    const DescribedValue is = settings.describe(*row, *domain);
    table.rows.push_back({std::string{row->name}, is.text, std::string{name_of(is.origin)}, is.is_pinned()});
  }
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> show_setting(OperationContext& context, OperationValues values) {
  const auto meant = meant_by(context, values);
  if (!meant) co_return meant.failure();
  const SettingRow& row = *meant->row;
  const DescribedValue is = settings_in_force(context).describe(row, meant->domain);
  OperationTable table{.shape = OperationTable::Shape::record,
                       .columns = {"name", "value", "from", "pinned", "default", "allowed", "takes_effect", "help"}};
  table.rows.push_back({std::string{row.name}, is.text, std::string{name_of(is.origin)}, is.is_pinned(),
                        row.is_secret() ? std::string{} : text_of(row, row.fallback), allowed_for(row),
                        std::string{row.reload == Reload::live ? "at once" : "at restart"}, std::string{row.help}});
  co_return OperationAnswer{{}, std::move(table)};
}

// Changes of settings by command: a key as the store has it, and its text, or nothing.
using Changes = std::map<std::string, std::optional<std::string>>;

Task<Result<Done>> store_changes(OperationContext& context, Changes changes) {
  Batch batch{BareJid{}};
  for (auto& [key, text] : changes) batch.set("settings", key, std::move(text));
  co_return co_await context.server->store->write(std::move(batch));
}

// Keeps them and lets them take effect. When that fails a reload has kept what ran, and so does the store. Where no
// server runs a start must be possible with them, unless it was not without them either: then this may be a first step.
Task<Result<Done>> keep(OperationContext& context, Changes changes) {
  Changes before;
  for (const auto& [key, text] : changes) {
    auto now = co_await context.server->store->map("settings").get({}, key);
    if (!now) co_return now.failure();
    before[key] = std::move(*now);
  }
  const bool was_good = context.serves || (co_await context.reload()).ok();
  if (auto stored = co_await store_changes(context, std::move(changes)); !stored) co_return stored;
  const auto reloaded = co_await context.reload();
  if (reloaded || !was_good) co_return Done{};
  const auto undone = co_await store_changes(context, std::move(before));
  co_return Failure{"nothing was changed: " + (undone ? reloaded : undone).failure().what};
}

// A reload names the setting that keeps it from being done, which may be this one or another.
Failure not_kept(const std::string& name, const Failure& why) {
  return {why.what.find(name) == std::string::npos ? name + ": " + why.what : why.what};
}

std::string when_it_works(const SettingRow& row) {
  return row.reload == Reload::restart ? " from the next start on\n" : "\n";
}

std::string pinned_by(const DescribedValue& is, const std::string& name) {
  return name + ": is pinned by the " + std::string{name_of(is.origin)} + "; change it there";
}

Task<OperationResult> set_setting(OperationContext& context, OperationValues values) {
  const auto meant = meant_by(context, values);
  if (!meant) co_return meant.failure();
  const Settings& settings = settings_in_force(context);
  if (const auto is = settings.describe(*meant->row, meant->domain); is.is_pinned())
    co_return Failure{pinned_by(is, meant->shown())};
  const std::string text = values.one("value");
  if (const std::string why = check_change(settings.table(), meant->row->name, meant->domain, text); !why.empty())
    co_return Failure{why};
  const auto kept = co_await keep(context, Changes{{meant->key(), text}});
  if (!kept) co_return not_kept(meant->shown(), kept.failure());
  const std::string shown = meant->row->is_secret() ? "(secret)" : printable(text);
  co_return OperationAnswer{meant->shown() + " = " + shown + when_it_works(*meant->row)};
}

Task<OperationResult> reset_setting(OperationContext& context, OperationValues values) {
  const auto meant = meant_by(context, values);
  if (!meant) co_return meant.failure();
  const auto stored = co_await context.server->store->map("settings").get({}, meant->key());
  if (!stored) co_return stored.failure();
  if (!*stored) co_return Failure{meant->shown() + ": was not set by command, so there is nothing to take back"};
  const auto kept = co_await keep(context, Changes{{meant->key(), std::nullopt}});
  if (!kept) co_return not_kept(meant->shown(), kept.failure());
  co_return OperationAnswer{meant->shown() + ": taken back" + when_it_works(*meant->row)};
}

// The two settings of a domain's certificate, which cannot be changed one by one where they must belong together.
Task<OperationResult> change_certificate(OperationContext& context, const OperationValues& values,
                                         std::array<std::optional<std::string>, 2> texts) {
  const auto domain = domain_flag(context, values);
  if (!domain) co_return domain.failure();
  const Settings& settings = settings_in_force(context);
  Changes changes;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Meant meant{settings.table().find(i == 0 ? "tls.certificate" : "tls.key"), *domain};
    if (const auto is = settings.describe(*meant.row, *domain); is.is_pinned())
      co_return Failure{pinned_by(is, meant.shown())};
    changes[meant.key()] = std::move(texts[i]);
  }
  const auto kept = co_await keep(context, std::move(changes));
  if (!kept) co_return not_kept(full_name(*domain, "tls.certificate"), kept.failure());
  co_return OperationAnswer{(domain->empty() ? std::string{"all domains"} : *domain) +
                            ": `jackdaw cert check` says what is shown now\n"};
}

Task<OperationResult> use_certificate(OperationContext& context, OperationValues values) {
  co_return co_await change_certificate(context, values, {values.one("certificate"), values.one("key")});
}

Task<OperationResult> reset_certificate(OperationContext& context, OperationValues values) {
  co_return co_await change_certificate(context, values, {});
}

const OperationArgument name_argument{"name", ArgumentType::setting, "The setting's name, area.thing."};
const OperationFlag domain_flag_row{"domain", "The value for this domain alone.", ArgumentType::domain};

}  // namespace

const Operations& setting_operations() {
  static const Operations rows{
      {.words = "setting list",
       .flags = {domain_flag_row},
       .summary = "Lists the settings with their values and where each comes from.",
       .right = Right::settings,
       .concerns = {"domain"},
       .run = list_settings},
      {.words = "setting get",
       .arguments = {name_argument},
       .flags = {domain_flag_row},
       .summary = "Shows one setting: its value, where it comes from, what is allowed.",
       .right = Right::settings,
       .concerns = {"domain"},
       .run = show_setting},
      {.words = "setting set",
       .arguments = {name_argument,
                     {"value", ArgumentType::value,
                      "The value; items of a list are separated by commas. - reads it from standard input, or asks, as "
                      "for secrets."}},
       .flags = {domain_flag_row},
       .summary =
           "Changes a setting at run time. What the settings file or the command line sets cannot be changed so.",
       .right = Right::settings,
       .concerns = {"domain"},
       .may = may_change,
       .run = set_setting},
      {.words = "setting reset",
       .arguments = {name_argument},
       .flags = {domain_flag_row},
       .summary = "Takes a change made at run time back.",
       .right = Right::settings,
       .concerns = {"domain"},
       .may = may_change,
       .run = reset_setting},
  };
  return rows;
}

const Operations& certificate_setting_operations() {
  static const Operations rows{
      {.words = "cert use",
       .arguments = {{"certificate", ArgumentType::file, "The certificate and those it hangs from (PEM)."},
                     {"key", ArgumentType::file, "Its private key (PEM)."}},
       .flags = {domain_flag_row},
       .summary = "Sets tls.certificate and tls.key together, for all domains or one.",
       .right = Right::settings,
       .run = use_certificate},
      {.words = "cert reset",
       .flags = {domain_flag_row},
       .summary = "Takes tls.certificate and tls.key back, as `setting reset` does for one.",
       .right = Right::settings,
       .run = reset_certificate},
  };
  return rows;
}

}  // namespace jackdaw
