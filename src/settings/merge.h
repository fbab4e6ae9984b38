// From the sources of settings to the values in force: fallbacks, then changes made at run time, then jackdaw.toml,
// then --set. One bad value refuses the whole merge: the server does not start half-configured, and a reload keeps
// what ran.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "settings/settings.h"

namespace jackdaw {

// A change made at run time, as the store keeps it.
struct StoredChange {
  std::string domain;  // empty: for the server
  std::string name;
  std::string text;
};

struct SettingSources {
  std::vector<StoredChange> stored;
  std::string file_name;  // for messages
  std::string file_text;
  std::vector<std::string> command_line;  // "c2s.idle=5m", "domains=a,b", "domain.example.org.c2s.idle=5m"
};

// Failure: one line without control characters, with the file and line, the setting, why, and what is allowed. A
// stored change for a setting that does not exist is no failure, see Settings::unused_changes().
Result<std::shared_ptr<const Settings>> merge(const SettingTable& table, const SettingSources& sources);

// Why a change at run time must be refused, or empty. Whether the value is pinned is the caller's to ask.
std::string check_change(const SettingTable& table, std::string_view name, std::string_view domain,
                         std::string_view text);

}  // namespace jackdaw
