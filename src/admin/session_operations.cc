// Sessions: who is connected. Each core is asked for its own.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "admin/operations.h"
#include "router/shard.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

constexpr std::int64_t usual_page = 1000, largest_page = 100'000;

// Sessions of one account, of a domain, or (both empty) of all.
struct Whose {
  std::string account, domain;
};

// On the shard's core.
std::vector<SessionDescription> sessions_here(Shard& shard, const Whose& whose, std::size_t most) {
  std::vector<SessionDescription> found;
  shard.router().each_account([&](Account& each) {
    if (!whose.account.empty() && each.jid().text() != whose.account) return;
    if (!whose.domain.empty() && each.jid().domainpart() != whose.domain) return;
    for (auto& resource : each.resources())
      if (found.size() < most) found.push_back(resource.session->describe());
  });
  return found;
}

Task<std::vector<SessionDescription>> find_sessions(OperationContext& context, Whose whose, std::size_t most) {
  std::vector<SessionDescription> all;
  for (Shard* shard : context.server->shards) {
    auto here = co_await offload(shard->core(), [shard, &whose, most] { return sessions_here(*shard, whose, most); });
    std::move(here.begin(), here.end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.jid < b.jid; });
  if (all.size() > most) all.resize(most);
  co_return all;
}

OperationTable table_of(const std::vector<SessionDescription>& sessions, OperationTable::Shape shape) {
  OperationTable table{.shape = shape,
                       .columns = {"jid", "address", "transport", "connected_at", "idle_seconds", "queued", "number",
                                   "resumable", "disconnected"}};
  for (const auto& s : sessions)
    table.rows.push_back({s.jid, s.address, s.transport, s.connected_at, s.idle_seconds, s.queued, s.number,
                          s.resumable, s.disconnected});
  return table;
}

Task<OperationResult> list_sessions(OperationContext& context, OperationValues values) {
  const auto limit = limit_from(values.one("limit"), usual_page, largest_page);
  if (!limit) co_return limit.failure();
  Whose whose;
  if (const std::string text = values.one("account"); !text.empty()) {
    const auto jid = BareJid::parse(text);
    if (!jid) co_return Failure{printable(text) + ": not the address of an account (name@domain)"};
    whose.account = jid->text();
  }
  if (const std::string text = values.one("domain"); !text.empty()) {
    const auto domain = prepare_domainpart(text);
    if (!domain || !context.server->shards.front()->domain(*domain))
      co_return Failure{printable(text) + ": this domain is not served"};
    whose.domain = *domain;
  }
  const auto found = co_await find_sessions(context, whose, static_cast<std::size_t>(*limit));
  std::string remark;
  if (static_cast<std::int64_t>(found.size()) == *limit) remark = "There may be more: --limit\n";
  co_return OperationAnswer{std::move(remark), table_of(found, OperationTable::Shape::list)};
}

Task<OperationResult> show_session(OperationContext& context, OperationValues values) {
  const std::string text = values.one("jid");
  const auto jid = Jid::parse(text);
  if (!jid || !jid->is_full())
    co_return Failure{printable(text) + ": not the address of a session (name@domain/resource)"};
  Shard& home = context.server->home(jid->bare().text());
  const auto found = co_await offload(home.core(), [&home, &jid] {
    std::vector<SessionDescription> one;
    Account* account = home.router().find_awake(jid->bare().text());
    if (Resource* resource = account ? account->find(jid->resourcepart()) : nullptr)
      one.push_back(resource->session->describe());
    return one;
  });
  if (found.empty()) co_return Failure{printable(jid->text()) + ": there is no such session"};
  co_return OperationAnswer{{}, table_of(found, OperationTable::Shape::record)};
}

// On the account's home core: a session named in full, or all of the account. How many.
std::int64_t end_here(Shard& home, const Jid& jid) {
  Account* account = home.router().find_awake(jid.bare().text());
  std::vector<SessionRef> ending;
  if (account)
    for (auto& resource : account->resources())
      if (!jid.is_full() || resource.resourcepart == jid.resourcepart()) ending.push_back(resource.session);
  for (const auto& session : ending)
    session->end({StreamCondition::policy_violation, "An administrator has ended this session."});
  return static_cast<std::int64_t>(ending.size());
}

Task<OperationResult> kill_session(OperationContext& context, OperationValues values) {
  const std::string text = values.one("jid");
  const auto jid = Jid::parse(text);
  if (!jid || !jid->has_localpart())
    co_return Failure{printable(text) + ": not the address of a session or an account"};
  Shard& home = context.server->home(jid->bare().text());
  const auto ended = co_await offload(home.core(), [&home, &jid] { return end_here(home, *jid); });
  if (ended == 0) co_return Failure{printable(jid->text()) + ": there is no such session"};
  co_return OperationAnswer{printable(jid->text()) + ": " + std::to_string(ended) +
                            (ended == 1 ? " session" : " sessions") + " ended\n"};
}

}  // namespace

const Operations& session_operations() {
  static const Operations rows{
      {.words = "session list",
       .flags = {{"account", "Only sessions of this account.", ArgumentType::jid},
                 {"domain", "Only sessions of this domain.", ArgumentType::domain},
                 {"limit", "At most so many (1000).", ArgumentType::number}},
       .summary = "Lists the sessions that are connected or may be resumed.",
       .right = Right::monitors,
       .concerns = {"account", "domain"},
       .needs = Needs::server,
       .run = list_sessions},
      {.words = "session show",
       .arguments = {{"jid", ArgumentType::jid, "The session's address, name@domain/resource."}},
       .summary = "Shows one session.",
       .right = Right::monitors,
       .concerns = {"jid"},
       .needs = Needs::server,
       .run = show_session},
      {.words = "session kill",
       .arguments = {{"jid", ArgumentType::jid,
                      "name@domain/resource for one session, name@domain for all of an account."}},
       .summary = "Ends a session with the stream error policy-violation (RFC 6120 §4.9.3.14).",
       .right = Right::users,
       .concerns = {"jid"},
       .needs = Needs::server,
       .run = kill_session},
  };
  return rows;
}

}  // namespace jackdaw
