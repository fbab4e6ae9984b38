// What `jackdaw setup` does to the settings file, and the account that an administrator logs in with.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "router/operation.h"

namespace jackdaw {

class Shard;

// "a, b" as domains in the form a JID has them. Failure: which is none.
Result<std::vector<std::string>> domains_from_text(const std::string& text);

// `text` of a jackdaw.toml with the value of `domains` replaced, or set at its top; everything else stays.
std::string with_domains(const std::string& text, const std::vector<std::string>& domains);

// The domains that the file sets; none when it is not there. Failure: it cannot be read, or is wrong.
Result<std::vector<std::string>> domains_of_file(const SettingTable& table, const std::string& file);

// Writes the file when it is not there, or changes its domains when `domains` is not empty. The result must be a valid
// file, else nothing is written. Blocks.
struct SettingsChange {
  std::string file;
  std::optional<std::string> before;  // what stood there; empty: there was none, or nothing was written
  bool is_changed = false;
};
Result<SettingsChange> write_settings_file(const SettingTable& table, const std::string& file,
                                           const std::vector<std::string>& domains);
// As if it had not been written. Blocks.
Result<Done> put_back(const SettingsChange& written);

// The first of the settings, else of those that are served.
std::string first_domain(const Shard& shard);

// Makes the administrator's account, or gives it the password when it is there.
Task<OperationResult> make_administrator(OperationContext& context, std::string jid, std::string password);

// The first start of a server that has no account: makes admin@DOMAIN and says its password; empty when there are
// accounts, or were before.
struct NewAdministrator {
  std::string jid, password;
};
Task<Result<NewAdministrator>> administrator_of_first_start(OperationContext& context);

}  // namespace jackdaw
