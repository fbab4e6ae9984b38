// Where stanzas go, and the accounts of this core: waking, attaching, resting. What a local account's address means is
// in delivery.cc.
// SPDX-License-Identifier: Apache-2.0
#include "router/router.h"

#include "base/memory.h"
#include "base/metrics.h"
#include "router/reversible.h"
#include "router/shard.h"

namespace jackdaw {
namespace {

const Metric stanzas_routed{"jackdaw_stanzas_routed", "Stanzas the router took."};
const Metric stanzas_refused{"jackdaw_stanzas_refused", "Stanzas answered with an error."};
const Metric accounts_awake{"jackdaw_accounts_awake", "Accounts in memory.", MetricKind::gauge};
const Metric resources_bound{"jackdaw_resources", "Bound resources.", MetricKind::gauge};

// RFC 6120 §10.1: what others send keeps its order behind kept messages. What the server and the account itself say
// does not wait: the client may need the answer before it goes on.
bool waits_behind_kept(const Account& account, const Stanza& stanza) {
  const bool from_server = !stanza.from().has_localpart() && stanza.from().domainpart() == account.jid().domainpart();
  return stanza.kind() != Kind::iq || !(from_server || stanza.from().bare() == account.jid().text());
}

StanzaError component_is_gone() { return {Condition::remote_server_timeout, "The component is not connected."}; }

constexpr auto account_rest = 20s;  // without a resource and without traffic an account leaves memory after this
constexpr auto sweep_time = 10s;
constexpr std::int64_t quiet_sweep = 10'000;  // stanzas routed between two sweeps: fewer is quiet

}  // namespace

std::size_t Account::new_slot() {
  static std::atomic<std::size_t> next{0};
  return next++;
}

// Looks for accounts to rest, and gives memory back to the system.
class RouterSweep final : public Timer {
 public:
  RouterSweep(Router& router, TimerWheel& wheel) : router_(router), wheel_(wheel) { set(wheel, sweep_time); }
  void fires() override {
    router_.sweep();
    set(wheel_, sweep_time);
  }

 private:
  Router& router_;
  TimerWheel& wheel_;
};

Router::Router(Shard& shard) : shard_(shard), sweep_(std::make_unique<RouterSweep>(*this, shard.core().timers())) {}
Router::~Router() = default;

void Router::sweep() {
  const Steady now = shard_.core().now();
  for (auto at = accounts_.begin(); at != accounts_.end();) {
    auto& account = *at->second;
    const bool rests = !account.is_temporary && account.state == Account::State::awake && account.resources().empty() &&
                       account.waiting.empty() && !account.in_debt && at->second.use_count() == 1 &&
                       now - account.touched > account_rest;
    const auto here = at++;
    if (!rests) continue;
    accounts_awake.add(-1);
    accounts_.erase(here);
  }
  give_room_back(accounts_);
  give_room_back(senders_);
  // One core says it for all.
  if (shard_.core().number() == 0) {
    const auto routed = stanzas_routed.sum();
    be_thrifty(routed - std::exchange(routed_at_last_sweep_, routed) < quiet_sweep);
  }
  give_memory_back();
}

MaybeFate Router::route(const StanzaRef& stanza, FateTicket ticket) {
  stanzas_routed.add();
  const JidView to = stanza->to();
  Domain* domain = shard_.domain(to.domainpart());
  if (!domain) return route_outside(stanza, ticket);
  if (!to.has_localpart()) return to_domain(*domain, stanza, ticket);
  if (const auto account = shard_.aliases().find(to.bare()); !account.empty())
    return to_alias(stanza, std::string{account}, ticket);
  return to_home(stanza, ticket);
}

MaybeFate Router::to_home(const StanzaRef& stanza, FateTicket ticket) {
  Shard& home = shard_.server().home(stanza->to().bare());
  if (&home == &shard_) return route_here(stanza, ticket);
  home.core().post([&router = home.router(), stanza, ticket] {
    if (const auto fate = router.route_here(stanza, ticket)) router.settle(ticket, *fate);
  });
  return std::nullopt;
}

// What is answered is to be asked by the account's own name: the answer would be from somebody that was not asked (RFC
// 6120 §8.2.3, RFC 6121 §3.1.6). An alias means an account, never another alias.
MaybeFate Router::to_alias(const StanzaRef& stanza, std::string account, FateTicket ticket) {
  const Type type = stanza->type();
  if (type == Type::subscribe || type == Type::probe || type == Type::get || type == Type::set)
    return refuse(*stanza, StanzaError{.condition = Condition::redirect,
                                       .text = "This is another name of " + account + '.',
                                       .content = "xmpp:" + account});
  const auto resource = stanza->to().resourcepart();
  if (!resource.empty()) account.append("/").append(resource);
  return to_home(stanza->with(stanza->from(), JidView::of_prepared(account)), ticket);
}

// To a domain that is not ours: a component's, or none that we know (RFC 6120 §10.4).
MaybeFate Router::route_outside(const StanzaRef& stanza, FateTicket ticket) {
  const std::string_view name = stanza->to().domainpart();
  if (shard_.components().has(name)) {
    Shard& home = shard_.server().home(name);
    if (&home == &shard_) return to_component(stanza);
    home.core().post([&router = home.router(), stanza, ticket] { router.settle(ticket, router.to_component(stanza)); });
    return std::nullopt;
  }
  if (shard_.components().has_left(name)) return refuse(*stanza, component_is_gone());
  if (shard_.remote_servers()) return to_remote_server(stanza, ticket);
  const auto where = shard_.server().elsewhere->find(stanza->to());
  if (where.kind == Whereabouts::Kind::nowhere) return refuse_with(*stanza, Condition::remote_server_not_found);
  return refuse_with(*stanza, Condition::remote_server_timeout);
}

MaybeFate Router::to_remote_server(const StanzaRef& stanza, FateTicket ticket) {
  Shard& home = shard_.server().home_of_pair(stanza->from().domainpart(), stanza->to().domainpart());
  if (&home == &shard_) return shard_.remote_servers()->send(stanza, ticket);
  home.core().post([&home, stanza, ticket] {
    if (const auto fate = home.remote_servers()->send(stanza, ticket)) home.router().settle(ticket, *fate);
  });
  return std::nullopt;
}

Fate Router::to_component(const StanzaRef& stanza) {
  Component* component = shard_.components().find(stanza->to().domainpart());
  if (!component) return refuse(*stanza, component_is_gone());
  component->deliver(stanza);
  return Fate::handed;
}

MaybeFate Router::hand_over(const StanzaRef& stanza, FateTicket ticket) {
  const JidView to = stanza->to();
  const bool is_local =
      to.has_localpart() && shard_.domain(to.domainpart()) && shard_.aliases().find(to.bare()).empty();
  Shard& home = is_local ? shard_.server().home(to.bare()) : shard_;
  if (&home == &shard_) {
    route(stanza, {});
    return Fate::handed;
  }
  stanzas_routed.add();
  home.core().post([&router = home.router(), stanza, ticket] {
    router.route_here(stanza, {});
    router.settle(ticket, Fate::handed);
  });
  return std::nullopt;
}

MaybeFate Router::route_here(const StanzaRef& stanza, FateTicket ticket) {
  const auto found = accounts_.find(stanza->to().bare());
  Account& account = found != accounts_.end() ? *found->second : account_of(BareJid{stanza->to()});
  account.touched = shard_.core().now();
  const bool behind_kept = account.flushing && waits_behind_kept(account, *stanza);
  if (account.state == Account::State::waking || behind_kept) return queue_up(account, stanza, ticket);
  return to_account(account, stanza, ticket);
}

MaybeFate Router::queue_up(Account& account, const StanzaRef& stanza, FateTicket ticket) {
  const std::size_t bytes = account.waiting_bytes + stanza->wire_size();
  if (account.waiting.size() >= Account::max_waiting ||
      (!account.waiting.empty() && bytes > Account::max_waiting_bytes))
    return refuse_with(*stanza, Condition::resource_constraint);
  account.waiting_bytes = bytes;
  account.waiting.push_back({stanza, ticket});
  return std::nullopt;
}

void Router::settle(FateTicket ticket, Fate fate) {
  if (ticket.session == 0) return;
  Shard& shard = *shard_.server().shards[ticket.shard];
  if (&shard != &shard_) {
    shard.core().post([&router = shard.router(), ticket, fate] { router.settle(ticket, fate); });
    return;
  }
  const auto found = senders_.find(ticket.session);
  if (found != senders_.end()) found->second->settled(ticket.number);
}

Fate Router::refuse(const Stanza& stanza, const StanzaError& error) {
  stanzas_refused.add();
  static const Log log{"ROUTER"};
  if (log.wants(LogLevel::low_level))
    log.info("stanza refused", {{"condition", name_of(error.condition)},
                                {"kind", name_of(stanza.kind())},
                                {"from", stanza.from().text()},
                                {"to", stanza.to().text()}});
  if (auto reply = error_reply(stanza, error); reply && reply->has_to()) route(reply);
  return Fate::refused;
}

MaybeFate Router::refuse_with(const Stanza& stanza, Condition condition) {
  return refuse(stanza, StanzaError{condition});
}

Account& Router::account_of(const BareJid& jid) {
  auto& slot = accounts_[jid.text()];
  if (slot) return *slot;
  slot = std::make_shared<Account>(jid);
  accounts_awake.add();
  slot->touched = shard_.core().now();
  const auto account = slot;  // the map may move its slots while the load begins
  spawn(load(account));
  return *account;
}

Task<void> Router::load(std::shared_ptr<Account> account) {
  auto record = co_await shard_.server().store->accounts().get(account->jid());
  bool good = record.ok() && record->has_value();
  if (good) account->locked = (*record)->locked;
  if (good) account->keys = mark_of((*record)->keys);
  Domain* domain = shard_.domain(account->jid().domainpart());
  if (good && domain && domain->contacts()) {
    const auto loaded = co_await domain->contacts()->load(*account);
    good = loaded.ok();
  }
  const bool failed = !record.ok() || (record->has_value() && !good);
  account->state = good ? Account::State::awake : Account::State::missing;
  if (!good) forget(account->jid());
  auto waiting = std::exchange(account->waiting, {});
  account->waiting_bytes = 0;
  for (auto& w : waiting) {
    MaybeFate fate = good     ? to_account(*account, w.stanza, w.ticket)
                     : failed ? refuse_with(*w.stanza, Condition::internal_server_error)
                              : no_such_account(w.stanza);
    if (fate) settle(w.ticket, *fate);
  }
  for (auto& told : std::exchange(account->on_awake, {})) told();
}

Task<Account*> Router::wake(BareJid jid) {
  auto account = account_of(jid).hold();
  if (account->state == Account::State::waking) {
    Later<bool> awake;
    account->on_awake.push_back([&awake] { awake.set(true); });
    co_await awake;
  }
  account->touched = shard_.core().now();
  co_return account->state == Account::State::awake ? account.get() : nullptr;
}

Task<Result<Done>> Router::admit_temporary(BareJid jid) {
  // Noted first, so that nothing of it is left behind by a crash.
  auto noted = co_await shard_.server().store->map(temporary_accounts).set({}, jid.text(), std::string{});
  if (!noted) co_return noted;
  auto& slot = accounts_[jid.text()];
  if (slot) co_return Failure{"an account of this name is in use"};
  slot = std::make_shared<Account>(jid);
  accounts_awake.add();
  const auto account = slot;
  account->is_temporary = true;
  account->touched = shard_.core().now();
  account->state = Account::State::awake;
  Domain* domain = shard_.domain(jid.domainpart());
  if (domain && domain->contacts())
    if (const auto loaded = co_await domain->contacts()->load(*account); !loaded) {
      dismiss_temporary(jid);
      co_return loaded.failure();
    }
  co_return Done{};
}

void Router::dismiss_temporary(const BareJid& jid) {
  Account* account = find_awake(jid.text());
  if (!account || !account->is_temporary) return;
  // Later in the turn: whoever has it in hand now goes on first. Whoever waits with it stores nothing any more.
  shard_.core().later([this, held = account->hold()] {
    if (!held->resources().empty() || held->removed) return;
    held->removed = held->locked = true;
    forget(held->jid());
    spawn(erase_temporary(shard_, held->jid()));
  });
}

Task<void> erase_temporary(Shard& shard, BareJid jid) {
  Store& store = *shard.server().store;
  const auto erased = co_await store.erase_owner(jid);
  if (erased) co_await store.map(temporary_accounts).set({}, jid.text(), std::nullopt);
}

Account* Router::find_awake(std::string_view bare) {
  const auto found = accounts_.find(bare);
  return found == accounts_.end() || found->second->state != Account::State::awake ? nullptr : found->second.get();
}

void Router::forget(const BareJid& jid) { accounts_awake.add(-static_cast<std::int64_t>(accounts_.erase(jid.text()))); }

void Router::refresh(const BareJid& jid, const AccountRecord& record) {
  Account* account = find_awake(jid.text());
  if (!account) return;
  account->locked = record.locked;
  account->keys = mark_of(record.keys);
}

Task<Attached> Router::attach(SessionRef session, BindConflict policy, std::size_t limit, KeysMark keys) {
  Account* account = co_await wake(BareJid{session->jid()});
  if (!account || account->locked || !shard_.domain(account->jid().domainpart()))
    co_return Attached{Attached::Outcome::no_account};
  if (keys != no_keys && keys != account->keys) co_return Attached{Attached::Outcome::no_account};
  const auto held = account->hold();
  const auto resourcepart = session->jid().resourcepart();
  if (Resource* there = account->find(resourcepart)) {
    if (policy != BindConflict::replace) co_return Attached{Attached::Outcome::conflict};
    replace(*account, *there);
  }
  if (account->resources().size() >= limit) co_return Attached{Attached::Outcome::too_many};
  account->resources().push_back({.session = session, .resourcepart = std::string(resourcepart)});
  resources_bound.add();
  co_return Attached{Attached::Outcome::attached};
}

// RFC 6120 §7.7.2.2: the older session ends with a conflict.
void Router::replace(Account&, Resource& resource) {
  const SessionRef old = resource.session;
  detach(old, {});
  old->end({StreamCondition::conflict, "Another client has bound this resource."});
}

void Router::detach(const SessionRef& session, StanzaRef unavailable) {
  Account* account = find_awake(JidView(session->jid()).bare());
  if (!account) return;
  auto& resources = account->resources();
  const auto at =
      std::find_if(resources.begin(), resources.end(), [&](const Resource& r) { return r.session == session; });
  if (at == resources.end()) return;
  Resource leaving = std::move(*at);
  resources.erase(at);
  resources_bound.add(-1);
  account->touched = shard_.core().now();
  Domain* domain = shard_.domain(account->jid().domainpart());
  if (domain && domain->presences()) domain->presences()->gone(*account, leaving, std::move(unavailable));
  if (account->is_temporary && resources.empty()) dismiss_temporary(BareJid{account->jid()});
}

void Router::end_sessions(const BareJid& jid, StreamError why, const Session* but) {
  Account* account = find_awake(jid.text());
  if (!account) return;
  std::vector<SessionRef> sessions;
  for (const auto& r : account->resources())
    if (r.session.get() != but) sessions.push_back(r.session);
  for (const auto& session : sessions) session->end(why);
}

MaybeFate Router::broadcast(const StanzaRef& presence, FateTicket ticket) {
  Account* account = find_awake(presence->from().bare());
  Domain* domain = shard_.domain(presence->from().domainpart());
  if (!account || !domain) return Fate::handed;
  const auto& handler = is_subscription(*presence) ? domain->subscription_out() : domain->presence_out();
  if (!handler) return presence->has_to() ? route(presence, ticket) : MaybeFate{Fate::handed};
  return handler(*account, presence, ticket);
}

void Router::release(Account& account) {
  const auto held = account.hold();
  account.flushing = false;
  auto waiting = std::exchange(account.waiting, {});
  account.waiting_bytes = 0;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (account.flushing) {  // again, by one of them: the rest waits in front of what has come since
      for (auto w = waiting.begin() + static_cast<std::ptrdiff_t>(i); w != waiting.end(); ++w)
        account.waiting_bytes += w->stanza->wire_size();
      account.waiting.insert(account.waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(i), waiting.end());
      return;
    }
    if (const auto fate = to_account(account, waiting[i].stanza, waiting[i].ticket)) settle(waiting[i].ticket, *fate);
  }
}

bool Router::has_sessions() const {
  return std::ranges::any_of(accounts_, [](const auto& each) { return !each.second->resources().empty(); });
}

void Router::count_accounts(std::size_t& awake, std::size_t& resources) const {
  awake = accounts_.size();
  resources = 0;
  for (const auto& [jid, account] : accounts_) resources += account->resources().size();
}

}  // namespace jackdaw
