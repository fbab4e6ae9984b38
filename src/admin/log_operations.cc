// The log's levels at run time: what is in force, and closer looks at a tag, an address or one connection.
// SPDX-License-Identifier: Apache-2.0
#include "admin/operations.h"
#include "base/log_rules.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

void add_rules(OperationTable& table, const std::vector<LogRule>& rules, std::string_view from) {
  for (const auto& rule : rules) table.rows.push_back({rule.what, std::string{name_of(rule.level)}, std::string{from}});
}

Task<OperationResult> list_levels(OperationContext&, OperationValues) {
  const LogLevels levels = log_levels();
  OperationTable table{.columns = {"what", "level", "from"}};
  table.rows.push_back(
      {std::string{"everything else"}, std::string{name_of(levels.general)}, std::string{"log.level"}});
  add_rules(table, levels.rules, "log.levels");
  add_rules(table, levels.watched, "log watch");
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> watch(OperationContext&, OperationValues values) {
  const std::string level = values.has("level") ? values.one("level") : "all";
  auto rule = read_log_rule(values.one("what"), level);
  if (!rule) co_return Failure{printable(rule.failure().what)};
  const std::string what = rule->what;
  if (auto watched = watch_log(std::move(*rule)); !watched) co_return watched.failure();
  co_return OperationAnswer{printable(what) + ": logged at the level " + level + " until `jackdaw log unwatch " +
                            printable(what) + "` or the server's end\n"};
}

Task<OperationResult> unwatch(OperationContext&, OperationValues values) {
  const std::string what = values.one("what");
  if (!unwatch_log(what)) co_return Failure{printable(what) + ": is not watched; `jackdaw log levels` shows what is"};
  co_return OperationAnswer{printable(what) + ": no longer watched\n"};
}

constexpr OperationArgument target{"what", ArgumentType::text,
                                   "A tag of the log (XMPPS), a peer's address, or a connection (XMPPS-000123)."};

}  // namespace

const Operations& log_operations() {
  static const Operations rows{
      {.words = "log levels",
       .summary = "Lists how much is logged: in general, and by tag, address and connection.",
       .right = Right::monitors,
       .needs = Needs::server,
       .run = list_levels},
      {.words = "log watch",
       .arguments = {target},
       .flags = {{"level", "How much: crashes, failures, major, problems, low-level or all (all).",
                  ArgumentType::text}},
       .summary = "Logs one thing more closely, or less, until the server ends.",
       .right = Right::settings,
       .needs = Needs::server,
       .run = watch},
      {.words = "log unwatch",
       .arguments = {target},
       .summary = "Logs it again as the settings say.",
       .right = Right::settings,
       .needs = Needs::server,
       .run = unwatch},
  };
  return rows;
}

}  // namespace jackdaw
