// SPDX-License-Identifier: Apache-2.0
#include "router/server_settings.h"

#include "base/log_rules.h"

namespace jackdaw {
namespace {

Result<std::vector<LogRule>> rules_in(const Settings& settings) {
  std::vector<LogRule> rules;
  for (const auto& text : settings.value(log_rules)) {
    auto rule = read_lasting_log_rule(text);
    if (!rule) return Failure{"log.levels: " + rule.failure().what};
    rules.push_back(std::move(*rule));
  }
  return rules;
}

LogLevel level_in(const Settings& settings, const Setting<std::string>& setting) {
  return log_level_named(settings.value(setting)).value_or(LogLevel::major);
}

}  // namespace

SettingRows server_settings() {
  return rows(log_level, log_rules, log_file, log_rotate_after, log_rotate_size, log_keep, log_precision, log_journal,
              log_syslog, log_syslog_facility, log_syslog_level, server_cores);
}

LogPlaces log_places(const Settings& settings) {
  return {.file = settings.value(log_file),
          .rotate_after = settings.value(log_rotate_after),
          .rotate_size = settings.value(log_rotate_size),
          .keep = settings.value(log_keep),
          .precision = static_cast<int>(settings.value(log_precision)),
          .journal = settings.value(log_journal),
          .syslog = settings.value(log_syslog),
          .syslog_facility = settings.value(log_syslog_facility),
          .syslog_level = level_in(settings, log_syslog_level)};
}

Result<Done> check_log_settings(const Settings& settings) {
  if (const auto rules = rules_in(settings); !rules) return rules.failure();
  if (const auto place = read_syslog_place(settings.value(log_syslog)); !place)
    return Failure{"log.syslog: " + place.failure().what};
  return Done{};
}

void apply_log_levels(const Settings& settings) {
  auto rules = rules_in(settings);
  set_log_levels(level_in(settings, log_level), rules ? std::move(*rules) : std::vector<LogRule>{});
}

}  // namespace jackdaw
