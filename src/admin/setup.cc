// SPDX-License-Identifier: Apache-2.0
#include "admin/setup.h"

#include <unistd.h>

#include "admin/private_directory.h"
#include "base/bytes.h"
#include "router/provision.h"
#include "settings/merge.h"
#include "settings/pages.h"
#include "settings/printable.h"
#include "settings/setting_text.h"
#include "settings/settings_file.h"
#include "settings/toml_file.h"

namespace jackdaw {
namespace {

// Where the value of `domains` stands, from its name to its end; npos when the file does not set it.
struct Place {
  std::size_t begin = std::string::npos, end = std::string::npos;
};

// Behind the string, comment or character at `at`.
std::size_t skip_one(const std::string& text, std::size_t at) {
  const char c = text[at];
  if (c == '#') return std::min(text.find('\n', at), text.size());
  if (c != '"' && c != '\'') return at + 1;
  for (++at; at < text.size() && text[at] != c && text[at] != '\n'; ++at)
    if (c == '"' && text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

std::size_t end_of_list(const std::string& text, std::size_t at) {
  while (at < text.size() && text[at] != ']') at = skip_one(text, at);
  return std::min(at + 1, text.size());
}

Place find_domains(const std::string& text) {
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t next = std::min(text.find('\n', line), text.size() - 1) + 1;
    const std::size_t first = std::min(text.find_first_not_of(" \t", line), text.size());
    if (text[first] == '[') break;  // a table: what is the server's stands above
    const std::size_t behind = std::min(text.find_first_not_of(" \t", first + 7), text.size());
    if (text.compare(first, 7, "domains") == 0 && behind < text.size() && text[behind] == '=')
      return {first, end_of_list(text, std::min(text.find('[', behind), text.size()))};
    line = next;
  }
  return {};
}

bool is_file(const std::string& file) { return ::access(file.c_str(), F_OK) == 0; }

// Empty when there is no such file.
Result<std::string> read_whole(const std::string& file) {
  auto text = read_settings_file(file);
  if (!text) return text.failure();
  return std::move(*text).value_or(std::string{});
}

constexpr auto share = "administrator";
constexpr std::size_t password_bytes = 9;  // 18 hexadecimal digits: 72 bits

}  // namespace

Result<std::vector<std::string>> domains_from_text(const std::string& text) {
  std::vector<std::string> domains;
  for (const auto& item : split_list(text)) {
    const auto domain = prepare_domainpart(item);
    if (!domain) return Failure{printable(item) + ": no valid domain name"};
    domains.push_back(*domain);
  }
  if (domains.empty()) return Failure{"no domain is named"};
  return domains;
}

std::string with_domains(const std::string& text, const std::vector<std::string>& domains) {
  std::string line = "domains = [";
  for (const auto& domain : domains) line += (line.back() == '[' ? "" : ", ") + toml_string(domain);
  line += ']';
  const Place place = find_domains(text);
  if (place.begin == std::string::npos) return line + '\n' + text;
  return text.substr(0, place.begin) + line + text.substr(place.end);
}

Result<std::vector<std::string>> domains_of_file(const SettingTable& table, const std::string& file) {
  const auto text = read_whole(file);
  if (!text) return text.failure();
  const auto settings = merge(table, {.file_name = file, .file_text = *text});
  if (!settings) return settings.failure();
  return (*settings)->domains();
}

Result<SettingsChange> write_settings_file(const SettingTable& table, const std::string& file,
                                           const std::vector<std::string>& domains) {
  const bool is_there = is_file(file);
  const auto now = domains_of_file(table, file);
  if (!now) return now.failure();
  SettingsChange written{.file = file};
  if (is_there && (domains.empty() || domains == *now)) return written;
  std::string text = commented_file(table, domains);
  if (is_there) {
    const auto before = read_whole(file);
    if (!before) return before.failure();
    text = with_domains(*before, domains);
    written.before = *before;
  }
  const auto merged = merge(table, {.file_name = file, .file_text = text});
  if (!merged) return merged.failure();
  if (auto done = write_file_safely(file, text); !done) return done.failure();
  written.is_changed = true;
  return written;
}

Result<Done> put_back(const SettingsChange& written) {
  if (!written.is_changed) return Done{};
  if (written.before) return write_file_safely(written.file, *written.before);
  if (::unlink(written.file.c_str()) != 0) return Failure{written.file + ": cannot be removed again"};
  return Done{};
}

std::string first_domain(const Shard& shard) {
  const auto& of_file = shard.settings().domains();
  if (of_file.empty()) return shard.domain_names().front();
  return prepare_domainpart(of_file.front()).value_or(of_file.front());
}

Task<OperationResult> make_administrator(OperationContext& context, std::string jid, std::string password) {
  Shard& shard = *context.server->shards.front();
  const auto address = BareJid::parse(jid);
  if (!address) co_return Failure{printable(jid) + ": no valid address"};
  NewAccount wanted{
      .jid = *address, .password = password, .rights = "all", .tombstone = Tombstone::ignore, .share = share};
  auto outcome = co_await create_account(shard, std::move(wanted));
  if (outcome == Provisioned::exists)
    outcome = co_await change_password(shard, *address, std::move(password), nullptr, std::string{share});
  // Who was there may have lost what an administrator needs.
  if (outcome == Provisioned::done) outcome = co_await set_rights(shard, *address, Rights::whole().text());
  if (outcome == Provisioned::done) outcome = co_await set_locked(shard, *address, false);
  if (outcome != Provisioned::done) co_return Failure{address->text() + ": " + std::string{text_of(outcome)}};
  co_return OperationAnswer{};
}

Task<Result<NewAdministrator>> administrator_of_first_start(OperationContext& context) {
  Store& store = *context.server->store;
  MapStore& server = store.map("server");
  const auto started = co_await server.get({}, "started");
  if (!started) co_return started.failure();
  if (*started) co_return NewAdministrator{};
  const auto domains = context.server->shards.front()->domain_names();
  for (const auto& domain : domains) {
    const auto accounts = co_await store.accounts().list(domain, "", 1);
    if (!accounts) co_return accounts.failure();
    if (accounts->empty()) continue;
    const auto noted = co_await server.set({}, "started", to_datetime(context.server->clock->wall()));
    if (!noted) co_return noted.failure();
    co_return NewAdministrator{};
  }
  NewAdministrator made{"admin@" + first_domain(*context.server->shards.front()), random_token(password_bytes)};
  const auto done = co_await make_administrator(context, made.jid, made.password);
  if (!done) co_return done.failure();
  const auto noted = co_await server.set({}, "started", to_datetime(context.server->clock->wall()));
  if (!noted) co_return noted.failure();
  co_return made;
}

}  // namespace jackdaw
