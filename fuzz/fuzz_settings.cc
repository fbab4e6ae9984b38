// Any bytes as jackdaw.toml, as --set and as a change at run time: no crash, and a failure is one printable line.
// What was accepted is written as text and read again.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "settings/merge.h"
#include "settings/sample_rows.h"
#include "settings/setting_text.h"

namespace {

using namespace jackdaw;

void demand(bool holds) {
  if (!holds) std::abort();
}

void demand_one_line(std::string_view text) {
  demand(!text.empty() && text.size() < 2000);
  for (unsigned char c : text) demand(c >= 0x20 && c != 0x7f);
}

// Every value in force is within its bounds, and its text means the same value.
void demand_round_trip(const Settings& settings, std::string_view domain) {
  for (const SettingRow* row : settings.table().rows()) {
    std::string text = settings.reveal(*row, domain);
    auto value = value_from_text(*row, text);
    demand(value.ok() && text_of(*row, *value) == text);
    demand(check_change(settings.table(), row->name, {}, text).empty());
    if (row->is_secret()) demand(settings.describe(*row, domain).text == (text.empty() ? "" : "(secret)"));
  }
}

void demand_sound(const SettingTable& table, const SettingSources& sources) {
  auto settings = merge(table, sources);
  if (!settings) return demand_one_line(settings.failure().what);
  demand_round_trip(**settings, {});
  for (const std::string& domain : (*settings)->domains_with_own_values()) demand_round_trip(**settings, domain);
  demand(changed_needing_restart(**settings, **settings).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const SettingTable table = sample::table();
  std::string text{reinterpret_cast<const char*>(data), size};
  demand_sound(table, {.file_name = "jackdaw.toml", .file_text = text});
  demand_sound(table, {.command_line = {text}});
  for (const SettingRow* row : table.rows()) {
    std::string why = check_change(table, row->name, {}, text);
    if (!why.empty()) demand_one_line(why);
  }
  std::string why = check_change(table, text, text, text);
  if (!why.empty()) demand_one_line(why);
  return 0;
}
