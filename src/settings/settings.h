// Settings: the values in force at one moment, as merge() made them. Immutable: a reload makes another one, and each
// core swaps its shared_ptr. Reading is safe on any thread and allocates nothing for booleans, numbers and durations.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "settings/setting.h"
#include "settings/table.h"

namespace jackdaw {

// Where a value came from, weakest first.
enum class Origin { fallback, stored, file, command_line };

struct HeldValue {
  SettingValue value;
  Origin origin = Origin::fallback;
  std::size_t line = 0;  // of the file
};

// What a snapshot is made of; merge() fills it.
struct HeldValues {
  std::vector<HeldValue> server;                                             // one for each row, in the table's order
  std::map<std::string, std::map<std::size_t, HeldValue>, std::less<>> own;  // by domain, by slot
  StringList domains;
  StringList unused;
  std::string file_name;                                           // printable
  std::map<std::string, std::size_t, std::less<>> line_of_domain;  // of `domains`, as far as they are the file's
};

// A value for people. A domain that has no own value shows the server's, marked inherited.
struct DescribedValue {
  std::string text;  // "(secret)" for a secret that is set
  Origin origin = Origin::fallback;
  bool inherited = false;

  // The file or the command line rules it: a change at run time would have no effect.
  bool is_pinned() const { return !inherited && (origin == Origin::file || origin == Origin::command_line); }
};

class Settings {
 public:
  // No table: every setting has its fallback, which is enough for many a test.
  Settings() : Settings(SettingTable{}) {}
  // Every setting at its fallback.
  explicit Settings(SettingTable table);
  Settings(SettingTable table, HeldValues values);

  // The server's value. A setting that is not in the table has its fallback.
  template <class T>
  T value(const Setting<T>& setting) const {
    return typed(setting, table_.slot(setting.name, setting.name_hash), nullptr);
  }

  // The domain's own value, else the server's. `domain` in the form a JID has it: lower case.
  template <class T>
  T value(const Setting<T>& setting, std::string_view domain) const {
    std::size_t slot = table_.slot(setting.name, setting.name_hash);
    return typed(setting, slot, own_value(slot, domain));
  }

  DescribedValue describe(const SettingRow& row, std::string_view domain = {}) const;
  // The value's text even when it is a secret: for what must use it, never for what shows it.
  std::string reveal(const SettingRow& row, std::string_view domain = {}) const;

  // The domains of the file, or of --set domains=..., in lower case. Those of the store are not among them.
  const StringList& domains() const { return values_.domains; }
  // "FILE:LINE: " of an item of `domains`, or of the first own value of a domain; empty when the file has none.
  std::string place_of_domain(std::string_view domain) const;
  // What is wrong with a value and was found behind the merge, with its place: `why` begins with the setting's name, or
  // with the file that it names.
  Failure located(Failure why) const;
  // Domains with values of their own, in order; main checks that each is served.
  StringList domains_with_own_values() const;
  // Stored changes that no setting of this server uses, such as those of a module that was taken off the list.
  const StringList& unused_changes() const { return values_.unused; }

  const SettingTable& table() const { return table_; }

 private:
  friend StringList changed_needing_restart(const Settings& old_one, const Settings& new_one);

  template <class T>
  T typed(const Setting<T>& setting, std::size_t slot, const HeldValue* own) const {
    if (slot == SettingTable::no_slot) return fallback_of(setting);
    const T* value = std::get_if<T>(&(own ? *own : values_.server[slot]).value);
    check(value != nullptr, "a setting has another type than its row");
    return *value;
  }
  const HeldValue* own_value(std::size_t slot, std::string_view domain) const;
  std::string place_of(const HeldValue& value) const;
  // How much of the beginning of `why` names this value, or the file that it names; 0: it is not about it.
  std::size_t names(const std::string& why, const SettingRow& row, std::string_view domain,
                    const HeldValue& value) const;
  // Null when the row is not of this table.
  const HeldValue* held(const SettingRow& row, std::string_view domain) const;

  SettingTable table_;
  HeldValues values_;
};

// Names of the settings whose new value waits for a restart: "c2s.port", domain."example.org".c2s.port.
StringList changed_needing_restart(const Settings& old_one, const Settings& new_one);

// "c2s.idle", or domain."example.org".c2s.idle; printable.
std::string full_name(std::string_view domain, std::string_view name);

}  // namespace jackdaw
