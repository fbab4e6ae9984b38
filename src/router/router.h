// Router: decides where a stanza goes; the only one who does. One per core, for the accounts whose home it is.
// Start reading at Router::route().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/task.h"
#include "router/account.h"
#include "router/domain.h"
#include "router/elsewhere.h"
#include "router/fate.h"

namespace jackdaw {

class Shard;

// What happens when a resource is bound that is connected already (RFC 6120 §7.7.2.2).
enum class BindConflict { replace, refuse, rename };

struct Attached {
  enum class Outcome { attached, conflict, too_many, no_account } outcome;
};

// Finds by string_view without making a string.
struct BareHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

class Router {
 public:
  explicit Router(Shard& shard);
  ~Router();

  // Takes a stanza from anyone, on any core's thread that is this router's. `stanza.from` is true already. The fate is
  // returned when it is known at once; else it is told to `ticket`'s session later.
  MaybeFate route(const StanzaRef& stanza, FateTicket ticket = {});
  // For a sender without acknowledgements: the fate is `handed` as soon as the recipient's core has the stanza.
  MaybeFate hand_over(const StanzaRef& stanza, FateTicket ticket);
  // A presence without `to`, of a session attached here.
  MaybeFate broadcast(const StanzaRef& presence, FateTicket ticket);
  // Tells a fate that was not known at once, on whichever core its session lives.
  void settle(FateTicket ticket, Fate fate);

  // Home core only.
  // `keys`: mark_of() those that a password has proven; others than the account has now are refused, as its password
  // has changed since, or it is another account of that name. no_keys: it was no password.
  Task<Attached> attach(SessionRef session, BindConflict policy, std::size_t limit, KeysMark keys = no_keys);
  void detach(const SessionRef& session, StanzaRef unavailable);
  // Sends an iq request in the name of one of our domains or accounts and waits for the answer, at most a minute. Null:
  // none came, or too many are waited for. On the home core of `from` (of a domain: any).
  Task<StanzaRef> ask(StanzaHeader request, std::string payload);
  // Wakes an account. Null when there is none or the store failed.
  Task<Account*> wake(BareJid jid);
  Account* find_awake(std::string_view bare);
  // Delivers again by RFC 6121 §8.5 what a session that ended did not get. `since`: when it was given to it, which is
  // said with the message (XEP-0198 §4); not known: the epoch.
  void route_again(const StanzaRef& stanza, Undelivered then = Undelivered::route, TimePoint since = {});
  // Messages that are being kept and not yet stored.
  std::int64_t keeping() const { return keeping_; }
  // Lets what waited behind offline messages go.
  void release(Account& account);
  // Ends all sessions of an account but one, and forgets what was loaded.
  void end_sessions(const BareJid& jid, StreamError why, const Session* but = nullptr);
  // Its record changed (password, lock): look again at the next access.
  void refresh(const BareJid& jid, const AccountRecord& record);
  void forget(const BareJid& jid);
  // An account without a record, for somebody who does not say who they are (XEP-0175): gone, with all that was stored
  // for it, when its last session is. On its home core. Failure: the store's.
  Task<Result<Done>> admit_temporary(BareJid jid);
  // It has no session, and is to go.
  void dismiss_temporary(const BareJid& jid);

  bool has_sessions() const;
  void count_accounts(std::size_t& awake, std::size_t& resources) const;
  template <class F>
  void each_account(F&& see) {
    for (auto& [jid, account] : accounts_) see(*account);
  }

  // Whoever is to be told fates, by its number.
  void enlist(std::uint64_t number, Entity* sender) { senders_[number] = sender; }
  void strike_off(std::uint64_t number) { senders_.erase(number); }

  // Sends an error back (or nothing, when the stanza may not be answered) and counts it.
  Fate refuse(const Stanza& stanza, const StanzaError& error);

 private:
  friend class RouterSweep;
  MaybeFate to_home(const StanzaRef& stanza, FateTicket ticket);
  MaybeFate to_alias(const StanzaRef& stanza, std::string account, FateTicket ticket);
  MaybeFate route_outside(const StanzaRef& stanza, FateTicket ticket);
  Fate to_component(const StanzaRef& stanza);
  MaybeFate to_remote_server(const StanzaRef& stanza, FateTicket ticket);
  MaybeFate route_here(const StanzaRef& stanza, FateTicket ticket);
  MaybeFate to_domain(Domain& domain, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate to_account(Account& account, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate deliver_full(Account& account, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate deliver_bare(Account& account, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate message_to_bare(Account& account, const StanzaRef& stanza, FateTicket ticket, TimePoint since = {});
  MaybeFate keep_offline(Account& account, const StanzaRef& stanza, FateTicket ticket, TimePoint since);
  MaybeFate answer(Domain& domain, const IqHandler& handler, const StanzaRef& stanza, FateTicket ticket);
  Task<void> answer_later(Domain& domain, const IqHandler& handler, StanzaRef stanza, FateTicket ticket);
  MaybeFate no_such_account(const StanzaRef& stanza);
  MaybeFate queue_up(Account& account, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate iq_to_account(Account& account, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate refuse_with(const Stanza& stanza, Condition condition);
  bool take_answer(const StanzaRef& stanza);
  void replace(Account& account, Resource& resource);
  Account& account_of(const BareJid& jid);
  Task<void> load(std::shared_ptr<Account> account);
  Verdict run_hooks(Domain& domain, Delivery& delivery);
  void sweep();

  Shard& shard_;
  boost::unordered_flat_map<std::string, std::shared_ptr<Account>, BareHash, std::equal_to<>> accounts_;
  boost::unordered_flat_map<std::uint64_t, Entity*> senders_;
  struct Asked {
    std::string whom;
    Later<StanzaRef>* answer;
  };
  boost::unordered_flat_map<std::string, Asked, BareHash, std::equal_to<>> asked_;  // by id; at most most_asked
  std::unique_ptr<class RouterSweep> sweep_;
  std::int64_t routed_at_last_sweep_ = 0;
  std::int64_t keeping_ = 0;
};

// The store's map of temporary accounts that are there, or were at a crash.
constexpr std::string_view temporary_accounts = "temporary_accounts";
// Their names begin so, and no other account's or alias's.
constexpr std::string_view temporary_prefix = "anonymous-";
Task<void> erase_temporary(Shard& shard, BareJid jid);

}  // namespace jackdaw
