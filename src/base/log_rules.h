// How much is logged: in general, for a module's tag, for a peer's address, for one connection.
//
// Of the rules that fit the most exact one counts: a connection's before an address's before a tag's before the
// general level; what is watched before what the settings say. Any thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace jackdaw {

std::optional<LogLevel> log_level_named(std::string_view word);
// "192.0.2.7", "2001:db8::7", or with a port as it is written behind an address; none for what is no address.
std::optional<LogAddress> log_address_of(std::string_view text);

struct LogRule {
  enum class Of { tag, address, connection } of = Of::tag;
  std::string what;  // as it is shown
  LogAddress address{};
  std::uint64_t number = 0;  // of a connection
  LogLevel level = LogLevel::all;
};

// `what`: a tag (XMPPS), an address (192.0.2.7) or a connection (XMPPS-000123, whatever its tag becomes, or 123).
// Failure: what is allowed.
Result<LogRule> read_log_rule(std::string_view what, std::string_view level);
// "XMPPS=all"; a connection is refused, as its number means another one after a restart.
Result<LogRule> read_lasting_log_rule(std::string_view text);

void set_log_level(LogLevel level);
void set_log_levels(LogLevel level, std::vector<LogRule> rules);

// Until the server ends, or unwatch_log(). Failure: so many are watched already.
Result<Done> watch_log(LogRule rule);
// False: it is not watched.
bool unwatch_log(std::string_view what);

struct LogLevels {
  LogLevel general = LogLevel::major;
  std::vector<LogRule> rules, watched;
};
LogLevels log_levels();

}  // namespace jackdaw
