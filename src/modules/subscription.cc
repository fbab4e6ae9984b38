// Subscriptions (RFC 6121 §3): who sees whose presence. The tables of Appendix A, on both sides. Start reading at
// Subscriptions::out() (what our user sends, §A.2) and in() (what is sent to our user, §A.3).
// SPDX-License-Identifier: Apache-2.0
#include "router/module.h"
#include "router/router.h"

namespace jackdaw {
namespace {

constexpr std::size_t longest_request = 4096;  // of a subscribe stanza that waits; a longer one is kept without payload

Subscription with_from(Subscription s) {
  return s == Subscription::to || s == Subscription::both ? Subscription::both : Subscription::from;
}
Subscription with_to(Subscription s) {
  return s == Subscription::from || s == Subscription::both ? Subscription::both : Subscription::to;
}
Subscription without_from(Subscription s) {
  return s == Subscription::both || s == Subscription::to ? Subscription::to : Subscription::none;
}
Subscription without_to(Subscription s) {
  return s == Subscription::both || s == Subscription::from ? Subscription::from : Subscription::none;
}

class Subscriptions {
 public:
  explicit Subscriptions(Domain& domain) : domain_(domain) {}

  MaybeFate out(Account& account, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate in(Account& account, const StanzaRef& stanza, FateTicket ticket);
  Task<void> account_removed(BareJid jid);

 private:
  Contacts& contacts() { return *domain_.contacts(); }
  RosterItem item_of(Account& account, const BareJid& contact, bool in_roster);
  MaybeFate approve(Account& account, RosterItem item, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate cancel(Account& account, RosterItem item, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate asked(Account& account, RosterItem item, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate change(Account& account, RosterItem item, FateTicket ticket);
  MaybeFate route(const StanzaRef& stanza) {
    domain_.router().route(stanza);
    return Fate::handed;
  }
  // In this order: the answer may come before route() returns.
  MaybeFate change_and_route(Account& account, RosterItem item, const StanzaRef& stanza, FateTicket ticket) {
    const auto fate = change(account, std::move(item), ticket);
    domain_.router().route(stanza);
    return fate;
  }
  void to_present(Account& account, const StanzaRef& stanza);
  void send(JidView from, JidView to, Type type) {
    domain_.router().route(Stanza::make({Kind::presence, type, from, to}, "", ""));
  }
  void send_presence(Account& account, const BareJid& to);
  void send_unavailable(Account& account, const BareJid& to);

  Domain& domain_;
};

RosterItem Subscriptions::item_of(Account& account, const BareJid& contact, bool in_roster) {
  const RosterItem* there = contacts().find(account, contact);
  return there ? *there : RosterItem{.jid = contact, .in_roster = in_roster};
}

// The stanza's fate is known when the change is stored.
MaybeFate Subscriptions::change(Account& account, RosterItem item, FateTicket ticket) {
  Router& router = domain_.router();
  contacts().change(account, std::move(item),
                    [&router, ticket](bool stored) { router.settle(ticket, stored ? Fate::stored : Fate::refused); });
  return std::nullopt;
}

// RFC 6121 §3.1.2 and others: from the bare JID to the bare JID.
MaybeFate Subscriptions::out(Account& account, const StanzaRef& stanza, FateTicket ticket) {
  const BareJid contact{stanza->to()};
  if (contact == account.jid()) return Fate::handed;
  const StanzaRef stamped = stanza->with(account.jid(), contact);
  RosterItem item = item_of(account, contact, true);
  switch (stanza->type()) {
    case Type::subscribe:
      if (!contacts().find(account, contact) && contacts().is_full(account))
        return domain_.router().refuse(*stanza, StanzaError{Condition::resource_constraint, "The roster is full."});
      if (item.seen_by_us() || (item.ask && item.in_roster)) return route(stamped);
      item.ask = item.in_roster = true;
      return change_and_route(account, std::move(item), stamped, ticket);
    case Type::unsubscribe:
      if (!item.seen_by_us() && !item.ask) return route(stamped);
      item.ask = false;
      item.subscription = without_to(item.subscription);
      return change_and_route(account, std::move(item), stamped, ticket);
    case Type::subscribed:
      return approve(account, std::move(item), stamped, ticket);
    default:
      return cancel(account, std::move(item), stamped, ticket);
  }
}

// RFC 6121 §A.2.3; without a request it is an approval beforehand (§3.4.2).
MaybeFate Subscriptions::approve(Account& account, RosterItem item, const StanzaRef& stanza, FateTicket ticket) {
  if (item.sees_us()) return Fate::handed;
  const BareJid contact = item.jid;
  if (item.pending_in.empty()) {
    if (item.approved) return Fate::handed;
    if (!contacts().find(account, contact) && contacts().is_full(account))
      return domain_.router().refuse(*stanza, StanzaError{Condition::resource_constraint, "The roster is full."});
    item.approved = item.in_roster = true;
    return change(account, std::move(item), ticket);
  }
  item.pending_in.clear();
  item.in_roster = true;
  item.subscription = with_from(item.subscription);
  const auto fate = change(account, std::move(item), ticket);
  domain_.router().route(stanza);
  send_presence(account, contact);
  return fate;
}

// RFC 6121 §A.2.4: ends a subscription, refuses a request, or takes an approval back.
MaybeFate Subscriptions::cancel(Account& account, RosterItem item, const StanzaRef& stanza, FateTicket ticket) {
  const bool saw_us = item.sees_us();
  if (!saw_us && item.pending_in.empty() && !item.approved) return Fate::handed;
  const bool routed = saw_us || !item.pending_in.empty();
  const BareJid contact = item.jid;
  item.pending_in.clear();
  item.approved = false;
  item.subscription = without_from(item.subscription);
  const auto fate = change(account, std::move(item), ticket);
  if (saw_us) send_unavailable(account, contact);
  if (routed) domain_.router().route(stanza);
  return fate;
}

MaybeFate Subscriptions::in(Account& account, const StanzaRef& stanza, FateTicket ticket) {
  const BareJid contact{stanza->from()};
  RosterItem item = item_of(account, contact, false);
  switch (stanza->type()) {
    case Type::subscribe:
      return asked(account, std::move(item), stanza, ticket);
    case Type::unsubscribe:  // §A.3.2
      if (!item.sees_us() && item.pending_in.empty()) return Fate::handed;
      if (item.sees_us()) send_unavailable(account, contact);
      item.pending_in.clear();
      item.subscription = without_from(item.subscription);
      to_present(account, stanza);
      return change(account, std::move(item), ticket);
    case Type::subscribed:  // §A.3.3
      if (!item.ask || item.seen_by_us()) return Fate::handed;
      item.ask = false;
      item.subscription = with_to(item.subscription);
      to_present(account, stanza);
      return change(account, std::move(item), ticket);
    default:  // §A.3.4
      if (!item.ask && !item.seen_by_us()) return Fate::handed;
      item.ask = false;
      item.subscription = without_to(item.subscription);
      to_present(account, stanza);
      return change(account, std::move(item), ticket);
  }
}

// RFC 6121 §3.1.3, §A.3.1.
MaybeFate Subscriptions::asked(Account& account, RosterItem item, const StanzaRef& stanza, FateTicket ticket) {
  const BareJid contact = item.jid;
  if (item.sees_us()) {
    send(account.jid(), contact, Type::subscribed);
    return Fate::handed;
  }
  if (item.approved) {
    item.approved = false;
    item.subscription = with_from(item.subscription);
    const auto fate = change(account, std::move(item), ticket);
    send(account.jid(), contact, Type::subscribed);
    send_presence(account, contact);
    return fate;
  }
  if (!item.pending_in.empty()) return Fate::handed;
  if (!contacts().find(account, contact) && contacts().is_full(account)) return Fate::handed;
  const StanzaRef request = stanza->wire_size() <= longest_request
                                ? stanza->with(contact, account.jid())
                                : Stanza::make({Kind::presence, Type::subscribe, contact, account.jid()}, "", "");
  item.pending_in = request->xml();
  for (auto& resource : account.resources())
    if (resource.is_available()) resource.session->deliver(request);
  return change(account, std::move(item), ticket);
}

// RFC 6121 §3.1.6 and others: to interested resources; who is available without a roster wants to know, too.
void Subscriptions::to_present(Account& account, const StanzaRef& stanza) {
  for (auto& resource : account.resources())
    if (resource.interested || resource.is_available()) resource.session->deliver(stanza);
}

// RFC 6121 §3.1.5: whoever may see us now does.
void Subscriptions::send_presence(Account& account, const BareJid& to) {
  for (const auto& resource : account.resources())
    if (resource.is_available()) domain_.router().route(resource.presence->with(resource.presence->from(), to));
}

// RFC 6121 §3.2.2, §3.3.3: whoever may no longer see us sees us go.
void Subscriptions::send_unavailable(Account& account, const BareJid& to) {
  for (const auto& resource : account.resources())
    if (resource.is_available()) send(resource.session->jid(), to, Type::unavailable);
}

// XEP-0077 §3.2 and common sense: the contacts of an account that is removed are told, on both sides.
Task<void> Subscriptions::account_removed(BareJid jid) {
  Account* account = co_await domain_.router().wake(jid);
  if (!account) co_return;
  const auto held = account->hold();
  for (const auto& item : contacts().items(*account)) {
    if (item.sees_us()) send_unavailable(*account, item.jid);
    if (item.sees_us() || !item.pending_in.empty()) send(jid, item.jid, Type::unsubscribed);
    if (item.seen_by_us() || item.ask) send(jid, item.jid, Type::unsubscribe);
  }
  // They have been told: the end of the sessions says it to nobody again.
  for (auto& resource : account->resources()) resource.presence = nullptr;
}

void setup(Domain& domain) {
  check(domain.contacts() != nullptr, "subscriptions need the roster module, listed before");
  auto& rules = domain.keep<Subscriptions>(domain);
  domain.on_subscription_out([&](Account& a, const StanzaRef& s, FateTicket t) { return rules.out(a, s, t); });
  domain.on_subscription_in([&](Account& a, const StanzaRef& s, FateTicket t) { return rules.in(a, s, t); });
  domain.on_stream_feature({StreamFeature::When::after_authentication,
                            [](Domain&) { return std::string("<sub xmlns='urn:xmpp:features:pre-approval'/>"); }});
  domain.on_account_removed([&](BareJid jid) { return rules.account_removed(std::move(jid)); });
}

}  // namespace

extern const Module subscription;
const Module subscription{
    .name = "subscription",
    .summary = "Lets users ask for, grant and end presence subscriptions (RFC 6121 §3).",
    .setup = setup,
};

}  // namespace jackdaw
