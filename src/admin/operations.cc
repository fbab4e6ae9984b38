// SPDX-License-Identifier: Apache-2.0
#include "admin/operations.h"

#include <charconv>

#include "admin/setup.h"
#include "router/shard.h"

namespace jackdaw {
namespace {

// The part of setup that needs the store: the program has written the settings file before.
Task<OperationResult> set_up_account(OperationContext& context, OperationValues values) {
  const std::string domain =
      values.has("domain") ? values.one("domain") : first_domain(*context.server->shards.front());
  co_return co_await make_administrator(context, "admin@" + domain, values.one("password"));
}

}  // namespace

const std::vector<const Operation*>& all_operations() {
  static const auto all = [] {
    std::vector<const Operation*> made;
    for (const Operations* list :
         {&program_operations(), &user_operations(), &domain_operations(), &session_operations(), &queue_operations(),
          &log_operations(), &cert_operations(), &certificate_setting_operations(), &setting_operations(),
          &server_operations(), &document_operations()})
      for (const Operation& operation : *list) made.push_back(&operation);
    return made;
  }();
  return all;
}

const Operations& program_operations() {
  static const Operations rows{
      {.words = "serve",
       .flags = {{"set", "Sets name=value for this run, above all other sources.", ArgumentType::text, Times::many}},
       .summary = "Runs the server. On an empty data directory it makes a certificate and an administrator's account.",
       .right = Right::all,
       .needs = Needs::program},
      {.words = "setup",
       .arguments = {{"password", ArgumentType::password, "The administrator's password.", Times::optional}},
       .flags = {{"domain", "The domains to serve, separated by commas; the administrator's account is in the first.",
                  ArgumentType::domain}},
       .summary = "Asks for the domains and the administrator's password, and writes jackdaw.toml. It may run again: "
                  "what is not asked for stays.",
       .right = Right::all,
       .needs = Needs::program,
       .run = set_up_account},
      {.words = "restore",
       .arguments = {{"file", ArgumentType::file, "A file that `jackdaw backup` made."}},
       .summary = "Checks a backup and puts it in the place of the store. No server may run.",
       .right = Right::all,
       .needs = Needs::program},
  };
  return rows;
}

Result<std::int64_t> limit_from(const std::string& text, std::int64_t fallback, std::int64_t most) {
  if (text.empty()) return fallback;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= 1 && number <= most) return number;
  return Failure{"--limit: not a number from 1 to " + std::to_string(most)};
}

}  // namespace jackdaw
