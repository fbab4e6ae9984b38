// SPDX-License-Identifier: Apache-2.0
#include "base/log_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <mutex>

namespace jackdaw {
namespace {

constexpr std::size_t most_watched = 100;
constexpr std::string_view levels[] = {"crashes", "failures", "major", "problems", "low-level", "all"};
constexpr std::string_view tags[] = {"ACCOUNTS", "ADMIN",  "CERTS", "DNS",   "DOMAIN", "LISTENER", "LOG",  "POSH",
                                     "ROUTER",   "SERVER", "STORE", "XMPPC", "XMPPI",  "XMPPO",    "XMPPS"};

// Static objects log while others are destroyed: it lives until the process ends.
struct State {
  std::mutex mutex;
  LogLevels levels;
};
State& state() {
  static State* const made = new State;
  return *made;
}

// With the mutex held.
void raise_generation() { Log::generation.fetch_add(1, std::memory_order_relaxed); }

// The number behind "XMPPS-"; 0: none.
std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

struct Tag {
  std::string_view name;
  std::uint64_t number = 0;  // of a connection
};

Tag split_tag(std::string_view tag) {
  const auto dash = tag.find('-');
  if (dash == tag.npos) return {tag};
  return {tag.substr(0, dash), tag.starts_with("XMPP") ? number_in(tag.substr(dash + 1)) : 0};
}

bool fits(const LogRule& rule, const Tag& tag, const LogAddress& peer) {
  switch (rule.of) {
    case LogRule::Of::tag:
      return rule.what == tag.name;
    case LogRule::Of::address:
      return rule.address == peer;
    case LogRule::Of::connection:
      return rule.number == tag.number && tag.number != 0;
  }
  return false;
}

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (const auto word : words) text += (text.empty() ? "" : ", ") + std::string{word};
  return text;
}

}  // namespace

std::optional<LogLevel> log_level_named(std::string_view word) {
  const auto found = std::ranges::find(levels, word);
  if (found == std::end(levels)) return std::nullopt;
  return static_cast<LogLevel>(found - std::begin(levels));
}

std::string_view name_of(LogLevel level) { return levels[static_cast<int>(level)]; }

std::optional<LogAddress> log_address_of(std::string_view text) {
  if (const auto colon = text.rfind(':'); text.starts_with('[') || text.find(':') == colon)
    text = text.substr(0, colon);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  LogAddress made{};
  const std::string asked{text};
  if (inet_pton(AF_INET6, asked.c_str(), made.data()) == 1) return made;
  made = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (inet_pton(AF_INET, asked.c_str(), made.data() + 12) == 1) return made;
  return std::nullopt;
}

Result<LogRule> read_log_rule(std::string_view what, std::string_view level) {
  const auto named = log_level_named(level);
  if (!named) return Failure{std::string{level} + ": no level of the log; there are " + listed(levels)};
  LogRule rule{.what = std::string{what}, .level = *named};
  if (std::ranges::find(tags, what) != std::end(tags)) return rule;
  if (const auto address = log_address_of(what)) {
    rule.of = LogRule::Of::address;
    rule.address = *address;
    return rule;
  }
  const Tag tag = split_tag(what);
  rule.of = LogRule::Of::connection;
  rule.number = std::ranges::find(tags, tag.name) != std::end(tags) ? tag.number : number_in(what);
  if (rule.number != 0) return rule;
  return Failure{std::string{what} + ": neither a tag of the log (" + listed(tags) +
                 "), nor an address, nor a connection such as XMPPS-000123"};
}

Result<LogRule> read_lasting_log_rule(std::string_view text) {
  const auto sign = text.rfind('=');
  if (sign == text.npos) return Failure{std::string{text} + ": write TAG=LEVEL or ADDRESS=LEVEL, such as XMPPS=all"};
  auto rule = read_log_rule(text.substr(0, sign), text.substr(sign + 1));
  if (rule && rule->of == LogRule::Of::connection)
    return Failure{rule->what + ": a connection does not last; `jackdaw log watch` is for one"};
  return rule;
}

void set_log_level(LogLevel level) {
  std::lock_guard lock(state().mutex);
  state().levels.general = level;
  raise_generation();
}

void set_log_levels(LogLevel level, std::vector<LogRule> rules) {
  std::lock_guard lock(state().mutex);
  state().levels.general = level;
  state().levels.rules = std::move(rules);
  raise_generation();
}

Result<Done> watch_log(LogRule rule) {
  std::lock_guard lock(state().mutex);
  auto& watched = state().levels.watched;
  std::erase_if(watched, [&](const LogRule& old) { return old.what == rule.what; });
  if (watched.size() >= most_watched)
    return Failure{std::to_string(most_watched) + " are watched already; `jackdaw log unwatch` ends one"};
  watched.push_back(std::move(rule));
  raise_generation();
  return Done{};
}

bool unwatch_log(std::string_view what) {
  std::lock_guard lock(state().mutex);
  const auto gone = std::erase_if(state().levels.watched, [&](const LogRule& rule) { return rule.what == what; });
  raise_generation();
  return gone > 0;
}

LogLevels log_levels() {
  std::lock_guard lock(state().mutex);
  return state().levels;
}

std::atomic<std::uint64_t> Log::generation{1};

std::uint64_t Log::look_up() const {
  std::lock_guard lock(state().mutex);
  const LogLevels& known = state().levels;
  const Tag tag = split_tag(tag_);
  const LogRule* best = nullptr;
  for (const auto* list : {&known.watched, &known.rules})
    for (const LogRule& rule : *list)
      if (fits(rule, tag, peer_) && (!best || rule.of > best->of)) best = &rule;
  const auto level = static_cast<std::uint64_t>(best ? best->level : known.general);
  const std::uint64_t found = generation.load(std::memory_order_relaxed) << 8 | level;
  threshold_.store(found, std::memory_order_relaxed);
  return found;
}

}  // namespace jackdaw
