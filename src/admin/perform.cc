// SPDX-License-Identifier: Apache-2.0
#include "admin/perform.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "router/aliases.h"
#include "router/shard.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

const Metric refused_operations{"jackdaw_operations_refused",
                                "Operations refused as the administrator has no right to them."};

const Log& log() {
  static const Log made{"ADMIN"};
  return made;
}

const Operation* find_operation(const OperationContext& context, std::string_view words) {
  for (const Operation* operation : *context.operations)
    if (operation->words == words && operation->run) return operation;
  return nullptr;
}

bool is_value_of(const Operation& operation, std::string_view name) {
  const auto is_it = [&](const auto& each) { return each.name == name; };
  return std::ranges::any_of(operation.arguments, is_it) || std::ranges::any_of(operation.flags, is_it);
}

std::optional<ArgumentType> type_of(const Operation& operation, std::string_view name) {
  for (const auto& argument : operation.arguments)
    if (argument.name == name) return argument.type;
  for (const auto& flag : operation.flags)
    if (flag.name == name) return flag.value;
  return std::nullopt;
}

Times times_of(const Operation& operation, std::string_view name) {
  for (const auto& flag : operation.flags)
    if (flag.name == name) return flag.times;
  for (const auto& argument : operation.arguments)
    if (argument.name == name) return argument.times;
  return Times::once;
}

// What does not fit the table, whoever says it.
Result<Done> check_values(const Operation& operation, const OperationValues& values) {
  const std::string words{operation.words};
  for (const auto& argument : operation.arguments)
    if (argument.times == Times::once && !values.has(argument.name))
      return Failure{words + ": " + std::string{argument.name} + " is missing"};
  for (const auto& [name, texts] : values.all()) {
    if (!is_value_of(operation, name)) return Failure{words + ": " + printable(name) + " is none of its words"};
    if (texts.size() > 1 && times_of(operation, name) != Times::many)
      return Failure{fmt::format("{}: {} is there more than once", words, name)};
    if (type_of(operation, name) != ArgumentType::file) continue;
    for (const auto& text : texts)
      if (!text.starts_with('/')) return Failure{printable(text) + ": not the whole path of a file, from / on"};
  }
  return Done{};
}

// What an operation is about.
struct Concerned {
  std::vector<std::string> domains;  // an empty one: the whole server
  std::vector<BareJid> accounts;
};

// What is no address concerns the whole server: the operation itself says what is wrong with it.
Concerned concerned_by(const Operation& operation, const OperationValues& values) {
  Concerned all;
  for (const auto name : operation.concerns)
    for (const auto& text : values.many(name)) {
      if (type_of(operation, name) == ArgumentType::jid) {
        const auto jid = Jid::parse(text);
        all.domains.emplace_back(jid ? jid->domainpart() : std::string_view{});
        if (jid && jid->has_localpart()) all.accounts.push_back(jid->bare());
      } else {
        all.domains.push_back(prepare_domainpart(text).value_or(std::string{}));
      }
    }
  if (all.domains.empty()) all.domains.emplace_back();
  return all;
}

std::string shown(const Rights& rights) { return rights.empty() ? "none" : rights.text(); }

Failure lacks(const OperationContext& context, const Operation& operation, Right right, std::string_view domain) {
  const std::string where = domain.empty() ? "the whole server" : printable(domain);
  return Failure{std::string{operation.words} + ": needs the right " + std::string{name_of(right)} + " for " + where +
                 "; " + context.actor.name + " has " + shown(context.actor.rights)};
}

// Nobody gets hold of an administrator who has more rights.
Task<Result<Done>> check_account(OperationContext& context, BareJid account) {
  const auto record = co_await context.server->store->accounts().get(account);
  if (!record) co_return record.failure();
  if (!*record) co_return Done{};
  const auto rights = Rights::parse((*record)->rights);
  if (rights && context.actor.rights.cover(*rights)) co_return Done{};
  co_return Failure{account.text() + ": has rights of its own (" + printable((*record)->rights) + ") that " +
                    context.actor.name + " has not"};
}

Task<Result<Done>> check_accounts(OperationContext& context, std::vector<BareJid> accounts) {
  for (const auto& account : accounts) {
    if (auto may = co_await check_account(context, account); !may) co_return may;
    // An alias is as good as its account.
    if (context.server->shards.empty()) continue;
    const BareJid meant = account_of(context.server->shards.front()->aliases(), account);
    if (meant == account) continue;
    if (auto may = co_await check_account(context, meant); !may) co_return may;
  }
  co_return Done{};
}

Task<Result<Done>> check_rights(OperationContext& context, const Operation& operation, const OperationValues& values) {
  const Rights& rights = context.actor.rights;
  if (rights.has(Right::all, {})) co_return Done{};
  Concerned about = concerned_by(operation, values);
  for (const auto& domain : about.domains)
    if (!rights.has(operation.right, domain)) co_return lacks(context, operation, operation.right, domain);
  for (const auto& flag : operation.flags)
    if (values.has(flag.name) && !rights.has(flag.right, {})) co_return lacks(context, operation, flag.right, {});
  if (operation.may)
    if (auto may = operation.may(context, values); !may) co_return may;
  if (operation.right != Right::users && operation.right != Right::all) co_return Done{};
  co_return co_await check_accounts(context, std::move(about.accounts));
}

constexpr std::size_t longest_shown = 1000;

// For the log: what was said, without what may be a secret.
std::string described(const Operation& operation, const OperationValues& values) {
  std::string out{operation.words};
  for (const auto& argument : operation.arguments)
    for (const auto& text : values.many(argument.name)) {
      const bool is_secret = argument.type == ArgumentType::password || argument.type == ArgumentType::value;
      out += ' ' + (is_secret ? std::string{"..."} : text.substr(0, longest_shown));
    }
  for (const auto& flag : operation.flags)
    for (const auto& text : values.many(flag.name))
      out += " --" + std::string{flag.name} + (flag.value ? ' ' + text.substr(0, longest_shown) : std::string{});
  return out;
}

Task<OperationResult> run(OperationContext& context, const Operation& operation, OperationValues values) {
  const std::string what = described(operation, values);
  if (auto good = check_values(operation, values); !good) {
    if (context.server)
      log().major("operation failed", {{"operation", what}, {"by", context.actor.name}, {"why", good.failure().what}});
    co_return good.failure();
  }
  if (auto may = co_await check_rights(context, operation, values); !may) {
    note_refused(Asker::administrator, what, context.actor.name, may.failure().what);
    co_return may.failure();
  }
  auto result = co_await operation.run(context, std::move(values));
  if (!context.server) co_return result;
  // A program here that only looks, and may do so every few seconds, fills no log.
  if (result && operation.right == Right::monitors && context.actor.name == local_actor().name)
    log().info("operation done", {{"operation", what}, {"by", context.actor.name}});
  else if (result)
    log().major("operation done", {{"operation", what}, {"by", context.actor.name}});
  else
    log().major("operation failed", {{"operation", what}, {"by", context.actor.name}, {"why", result.failure().what}});
  co_return result;
}

// The server's end waits for it.
class UnderWay {
 public:
  explicit UnderWay(OperationContext& shared) : count_(shared.under_way) { ++count_; }
  UnderWay(const UnderWay&) = delete;
  ~UnderWay() { --count_; }

 private:
  int& count_;
};

}  // namespace

void note_refused(Asker asker, std::string_view operation, std::string_view by, std::string_view why) {
  refused_operations.add();
  if (asker == Asker::administrator)
    log().major("operation refused", {{"operation", operation}, {"by", by}, {"why", why}});
  else
    log().problem("operation refused", {{"operation", operation}, {"by", by}, {"why", why}});
}

Actor local_actor() { return {"local", Rights::whole()}; }

Task<Result<std::optional<Actor>>> actor_of(Server& server, BareJid account) {
  const auto record = co_await server.store->accounts().get(account);
  if (!record) co_return record.failure();
  if (!*record || (*record)->locked) co_return std::nullopt;
  auto rights = Rights::parse((*record)->rights);
  if (!rights) log().failure("rights cannot be read", {{"jid", account.text()}, {"why", rights.failure().what}});
  if (!rights || rights->empty()) co_return std::nullopt;
  co_return Actor{account.text(), std::move(*rights)};
}

bool may_somewhere(const Actor& actor, const Operation& operation) {
  if (operation.concerns.empty()) return actor.rights.has(operation.right, {});
  return actor.rights.has_somewhere(operation.right);
}

Task<OperationResult> perform(OperationContext& shared, Actor actor, std::string words, OperationValues values,
                              const Session* session) {
  const UnderWay counted{shared};
  OperationContext context = shared;
  context.actor = std::move(actor);
  context.session = session;
  const Operation* operation = find_operation(context, words);
  if (!operation) co_return Failure{"there is no operation \"" + printable(words) + "\" in this server"};
  try {
    co_return co_await run(context, *operation, std::move(values));
  } catch (const std::exception& error) {
    log().crash("an operation failed by a bug", {{"operation", words}, {"what", error.what()}});
    co_return Failure{words + ": failed by a mistake of the server's own; the log says which"};
  }
}

Task<OperationResult> perform_request(OperationContext& shared, OperationRequest request) {
  const UnderWay counted{shared};
  Actor actor = local_actor();
  if (!request.as.empty()) {
    const auto account = co_await shared.prove(request.as, std::move(request.password));
    if (!account) co_return account.failure();
    auto proven = co_await actor_of(*shared.server, *account);
    if (!proven) co_return proven.failure();
    if (!*proven) {
      note_refused(Asker::administrator, printable(request.operation), account->text(), "no rights");
      co_return Failure{account->text() + ": has no rights as an administrator"};
    }
    actor = std::move(**proven);
  }
  co_return co_await perform(shared, std::move(actor), std::move(request.operation), std::move(request.values));
}

}  // namespace jackdaw
