// Reading, describing and comparing snapshots.
// SPDX-License-Identifier: Apache-2.0
#include "settings/settings.h"

#include <set>

#include "settings/printable.h"
#include "settings/setting_text.h"

namespace jackdaw {
namespace {

HeldValues fallbacks(const SettingTable& table) {
  HeldValues values;
  for (const SettingRow* row : table.rows()) values.server.push_back({.value = row->fallback});
  return values;
}

}  // namespace

Settings::Settings(SettingTable table) : table_(std::move(table)), values_(fallbacks(table_)) {}

Settings::Settings(SettingTable table, HeldValues values) : table_(std::move(table)), values_(std::move(values)) {
  check(values_.server.size() == table_.rows().size(), "a snapshot needs one value for each row");
}

const HeldValue* Settings::own_value(std::size_t slot, std::string_view domain) const {
  if (values_.own.empty() || domain.empty()) return nullptr;
  auto own = values_.own.find(domain);
  if (own == values_.own.end()) return nullptr;
  auto found = own->second.find(slot);
  return found == own->second.end() ? nullptr : &found->second;
}

const HeldValue* Settings::held(const SettingRow& row, std::string_view domain) const {
  std::size_t slot = table_.slot(row.name, row.name_hash);
  if (slot == SettingTable::no_slot) return nullptr;
  const HeldValue* own = own_value(slot, domain);
  return own ? own : &values_.server[slot];
}

DescribedValue Settings::describe(const SettingRow& row, std::string_view domain) const {
  const HeldValue* found = held(row, domain);
  DescribedValue described{.text = reveal(row, domain)};
  if (found) {
    described.origin = found->origin;
    described.inherited = !domain.empty() && !own_value(table_.slot(row.name, row.name_hash), domain);
  }
  if (row.is_secret() && !described.text.empty()) described.text = "(secret)";
  return described;
}

std::string Settings::reveal(const SettingRow& row, std::string_view domain) const {
  const HeldValue* found = held(row, domain);
  return text_of(row, found ? found->value : row.fallback);
}

StringList Settings::domains_with_own_values() const {
  StringList domains;
  for (const auto& [domain, own] : values_.own) domains.push_back(domain);
  return domains;
}

std::string Settings::place_of(const HeldValue& value) const {
  if (value.origin != Origin::file) return {};
  return values_.file_name + ':' + std::to_string(value.line) + ": ";
}

std::string Settings::place_of_domain(std::string_view domain) const {
  if (const auto listed = values_.line_of_domain.find(domain); listed != values_.line_of_domain.end())
    return values_.file_name + ':' + std::to_string(listed->second) + ": ";
  const HeldValue* first = nullptr;
  if (const auto own = values_.own.find(domain); own != values_.own.end())
    for (const auto& [slot, value] : own->second)
      if (value.origin == Origin::file && (!first || value.line < first->line)) first = &value;
  return first ? place_of(*first) : std::string{};
}

std::size_t Settings::names(const std::string& why, const SettingRow& row, std::string_view domain,
                            const HeldValue& value) const {
  const auto begins_with = [&why](std::string_view text, std::string_view ends) {
    return !text.empty() && why.starts_with(text) && why.size() > text.size() &&
           ends.find(why[text.size()]) != std::string_view::npos;
  };
  if (const std::string name = full_name(domain, row.name); begins_with(name, ": ")) return name.size();
  const std::string text = row.names_file ? text_of(row, value.value) : std::string{};
  return begins_with(text, ":/") ? text.size() : 0;
}

Failure Settings::located(Failure why) const {
  // The longest: a directory may be named beside a file in it.
  std::size_t most = 0;
  std::string found = why.what;
  const auto look = [&](std::size_t slot, std::string_view domain, const HeldValue& value) {
    const SettingRow& row = *table_.rows()[slot];
    const std::size_t named = names(why.what, row, domain, value);
    if (named <= most) return;
    most = named;
    const std::string name = full_name(domain, row.name);
    found = place_of(value) + (why.what.starts_with(name) ? "" : name + ": ") + why.what;
  };
  for (const auto& [domain, own] : values_.own)
    for (const auto& [slot, value] : own) look(slot, domain, value);
  for (std::size_t slot = 0; slot < values_.server.size(); ++slot) look(slot, {}, values_.server[slot]);
  return {std::move(found)};
}

StringList changed_needing_restart(const Settings& old_one, const Settings& new_one) {
  std::set<std::string> domains{""};  // the server first
  for (const Settings* settings : {&old_one, &new_one}) {
    for (const auto& [domain, own] : settings->values_.own) domains.insert(domain);
  }
  StringList changed;
  for (const std::string& domain : domains) {
    for (const SettingRow* row : new_one.table_.rows()) {
      if (row->reload != Reload::restart) continue;
      const HeldValue* before = old_one.held(*row, domain);
      const HeldValue* after = new_one.held(*row, domain);
      const SettingValue& old_value = before ? before->value : row->fallback;
      if (old_value == after->value) continue;
      // A domain that follows the server is told by the server's line.
      bool has_own = old_one.own_value(old_one.table_.slot(row->name, row->name_hash), domain) ||
                     new_one.own_value(new_one.table_.slot(row->name, row->name_hash), domain);
      if (domain.empty() || has_own) changed.push_back(full_name(domain, row->name));
    }
  }
  return changed;
}

std::string full_name(std::string_view domain, std::string_view name) {
  std::string prefix = domain.empty() ? "" : "domain.\"" + printable(domain) + "\".";
  return prefix + printable(name);
}

}  // namespace jackdaw
