// Queues to other servers, and where an address ends. Each core is asked for its own.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "admin/operations.h"
#include "router/aliases.h"
#include "router/run_at.h"
#include "router/shard.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

constexpr std::int64_t usual_page = 1000, largest_page = 100'000;
const Failure not_spoken{"this server speaks with no other servers (s2s.enabled)"};

Task<std::vector<QueueDescription>> find_queues(OperationContext& context) {
  std::vector<QueueDescription> all;
  for (Shard* shard : context.server->shards) {
    auto here = co_await offload(shard->core(), [shard] {
      return shard->remote_servers() ? shard->remote_servers()->describe() : std::vector<QueueDescription>{};
    });
    std::move(here.begin(), here.end(), std::back_inserter(all));
  }
  std::ranges::sort(all, {}, [](const auto& q) { return std::tie(q.target, q.source); });
  co_return all;
}

OperationTable table_of(const std::vector<QueueDescription>& queues) {
  OperationTable table{.columns = {"source", "target", "state", "stanzas", "bytes", "oldest_seconds", "retry_seconds",
                                   "number", "address", "security", "last_error"}};
  for (const auto& q : queues)
    table.rows.push_back({q.source, q.target, q.state, q.stanzas, q.bytes, q.oldest_seconds, q.retry_seconds, q.number,
                          q.address, q.security, q.last_error});
  return table;
}

Task<OperationResult> list_queues(OperationContext& context, OperationValues values) {
  const auto limit = limit_from(values.one("limit"), usual_page, largest_page);
  if (!limit) co_return limit.failure();
  auto found = co_await find_queues(context);
  std::string remark;
  if (static_cast<std::int64_t>(found.size()) > *limit) {
    found.resize(static_cast<std::size_t>(*limit));
    remark = "There are more: --limit\n";
  }
  co_return OperationAnswer{std::move(remark), table_of(found)};
}

Result<std::string> domain_from(OperationValues& values) {
  const std::string text = values.one("domain");
  auto domain = prepare_domainpart(text);
  if (!domain) return Failure{printable(text) + ": no valid domain name"};
  return std::move(*domain);
}

Task<OperationResult> show_queue(OperationContext& context, OperationValues values) {
  const auto domain = domain_from(values);
  if (!domain) co_return domain.failure();
  auto found = co_await find_queues(context);
  std::erase_if(found, [&](const auto& q) { return q.target != *domain; });
  if (found.empty()) co_return Failure{printable(*domain) + ": nothing waits for it, and no stream to it is open"};
  co_return OperationAnswer{{}, table_of(found)};
}

// On every core; the sum of what each answers.
Task<std::int64_t> on_all(OperationContext& context, std::int64_t (*what)(RemoteServers&, const std::string&),
                          const std::string& domain) {
  std::int64_t sum = 0;
  for (Shard* shard : context.server->shards)
    sum += co_await offload(shard->core(), [shard, what, &domain] {
      return shard->remote_servers() ? what(*shard->remote_servers(), domain) : std::int64_t{0};
    });
  co_return sum;
}

Task<OperationResult> flush_queue(OperationContext& context, OperationValues values) {
  const auto domain = domain_from(values);
  if (!domain) co_return domain.failure();
  const auto flush = [](RemoteServers& servers, const std::string& target) { return servers.flush(target); };
  if (co_await on_all(context, flush, *domain) == 0) co_return Failure{printable(*domain) + ": nothing waits for it"};
  co_return OperationAnswer{printable(*domain) + ": trying now\n"};
}

Task<OperationResult> reject_queue(OperationContext& context, OperationValues values) {
  const auto domain = domain_from(values);
  if (!domain) co_return domain.failure();
  const auto reject = [](RemoteServers& servers, const std::string& target) { return servers.reject(target); };
  const auto count = co_await on_all(context, reject, *domain);
  co_return OperationAnswer{printable(*domain) + ": " + std::to_string(count) + (count == 1 ? " stanza" : " stanzas") +
                            " returned to the senders\n"};
}

Task<OperationResult> answer_for_account(OperationContext& context, BareJid jid) {
  const auto record = co_await context.server->store->accounts().get(jid);
  if (!record) co_return record.failure();
  const std::string what = !*record            ? "no account of this name: it is refused with service-unavailable"
                           : (*record)->locked ? "an account of this server, locked"
                                               : "an account of this server";
  co_return OperationAnswer{printable(jid.text()) + ": " + what + '\n'};
}

// An alias leads to its account, in one step.
Task<OperationResult> answer_for_name(OperationContext& context, Shard& shard, BareJid jid) {
  const BareJid account = account_of(shard.aliases(), jid);
  if (account == jid) co_return co_await answer_for_account(context, jid);
  auto answer = co_await answer_for_account(context, account);
  if (answer) answer->text.insert(0, printable(jid.text()) + ": an alias of " + printable(account.text()) + '\n');
  co_return answer;
}

Task<OperationResult> answer_for_server(Shard& shard, std::string domain) {
  if (!shard.remote_servers()) co_return not_spoken;
  const auto found = co_await shard.remote_servers()->find(domain);
  std::string text = printable(domain) + ": another server; TLS: " + found.policy + '\n';
  for (const auto& place : found.places) text += "  " + printable(place) + '\n';
  if (found.places.empty()) text += "  not found: " + printable(found.why) + '\n';
  co_return OperationAnswer{std::move(text)};
}

// As the router decides it (router.cc).
Task<OperationResult> show_route(OperationContext& context, OperationValues values) {
  const auto jid = Jid::parse(values.one("address"));
  if (!jid) co_return Failure{printable(values.one("address")) + ": not a valid address"};
  Shard& shard = *context.server->shards.front();
  const std::string domain{jid->domainpart()};
  if (shard.domain(domain)) {
    if (jid->has_localpart()) co_return co_await answer_for_name(context, shard, BareJid{*jid});
    co_return OperationAnswer{printable(domain) + ": a domain of this server\n"};
  }
  if (shard.components().has(domain)) co_return OperationAnswer{printable(domain) + ": a connected component\n"};
  co_return co_await answer_for_server(shard, domain);
}

constexpr OperationArgument target{"domain", ArgumentType::text, "The other server's domain."};

}  // namespace

const Operations& queue_operations() {
  static const Operations rows{
      {.words = "queue list",
       .flags = {{"limit", "At most so many (1000).", ArgumentType::number}},
       .summary = "Lists what waits for other servers, and the streams to them.",
       .right = Right::monitors,
       .needs = Needs::server,
       .run = list_queues},
      {.words = "queue show",
       .arguments = {target},
       .summary = "Shows what waits for one domain, and why.",
       .right = Right::monitors,
       .needs = Needs::server,
       .run = show_queue},
      {.words = "queue flush",
       .arguments = {target},
       .summary = "Tries at once to reach a domain for which something waits.",
       .right = Right::settings,
       .needs = Needs::server,
       .run = flush_queue},
      {.words = "queue reject",
       .arguments = {target},
       .summary = "Returns everything that waits for a domain to its senders.",
       .right = Right::settings,
       .needs = Needs::server,
       .run = reject_queue},
      {.words = "route",
       .arguments = {{"address", ArgumentType::text, "A JID, or a domain."}},
       .summary = "Tells where stanzas to an address go, and how another server is found.",
       .right = Right::monitors,
       .needs = Needs::server,
       .run = show_route},
  };
  return rows;
}

}  // namespace jackdaw
