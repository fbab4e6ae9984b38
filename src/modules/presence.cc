// Presence (RFC 6121 §4): initial presence, updates, probes, directed presence, and the end of it. Start reading at
// PresenceRules::out() (what our users send) and in() (what is sent to them).
// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "router/entitled.h"
#include "router/module.h"
#include "router/router.h"

namespace jackdaw {
namespace {

constexpr std::size_t most_directed = 1000;  // of one resource; a further one is refused

std::optional<int> priority_of(const Stanza& presence) {
  const Element element = presence.child({client_ns, "priority"});
  if (!element) return 0;
  const std::string text = element.text();
  int value = 0;
  const char* first = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < -128 || value > 127) return std::nullopt;
  return value;
}

class PresenceRules final : public Presences {
 public:
  explicit PresenceRules(Domain& domain) : domain_(domain) {}

  MaybeFate out(Account& account, const StanzaRef& stanza, FateTicket ticket);
  MaybeFate in(Account& account, const StanzaRef& stanza);
  void gone(Account& account, Resource& resource, StanzaRef unavailable) override;

 private:
  MaybeFate available(Account& account, Resource& resource, const StanzaRef& stanza);
  void first_presence(Account& account, Resource& resource);
  MaybeFate directed(Resource& resource, Account& account, const StanzaRef& stanza, FateTicket ticket);
  void unavailable(Account& account, Resource& resource, const StanzaRef& stanza);
  void to_subscribers(Account& account, const StanzaRef& stanza);
  void to_own_resources(Account& account, const StanzaRef& stanza);
  void to_directed(Account& account, Resource& resource, const StanzaRef& stanza);
  void send(const StanzaRef& stanza, JidView to) { domain_.router().route(stanza->with(stanza->from(), to)); }
  MaybeFate answer_probe(Account& account, const StanzaRef& probe);
  void note_shown(const StanzaRef& stanza) {
    for (const auto& told : domain_.presence_shown_watchers()) told(stanza);
  }
  void note_unavailable(Account& account, const std::string& status) {
    for (const auto& told : domain_.unavailable_watchers()) told(account, status);
  }

  Domain& domain_;
};

MaybeFate PresenceRules::out(Account& account, const StanzaRef& stanza, FateTicket ticket) {
  Resource* resource = account.find(stanza->from().resourcepart());
  if (!resource) return Fate::handed;
  resource->active = account.touched;
  if (stanza->has_to()) return directed(*resource, account, stanza, ticket);
  switch (stanza->type()) {
    case Type::available:
      return available(account, *resource, stanza);
    case Type::unavailable:
      unavailable(account, *resource, stanza);
      return Fate::handed;
    default:
      return domain_.router().refuse(*stanza, StanzaError{Condition::bad_request, "This presence needs `to`."});
  }
}

// RFC 6121 §4.2, §4.4.
MaybeFate PresenceRules::available(Account& account, Resource& resource, const StanzaRef& stanza) {
  const auto priority = priority_of(*stanza);
  if (!priority)
    return domain_.router().refuse(*stanza,
                                   StanzaError{Condition::bad_request, "A priority is a number from -128 to 127."});
  const bool first = !resource.is_available();
  const bool was_reachable = resource.is_reachable();
  resource.presence = stanza;
  resource.priority = *priority;
  const bool now_reachable = resource.is_reachable() && !was_reachable;
  const SessionRef session = resource.session;
  if (first) first_presence(account, resource);
  to_subscribers(account, stanza);
  to_own_resources(account, stanza);
  if (first) note_shown(stanza);
  if (now_reachable && domain_.offline()) domain_.offline()->flush(account, session);
  return Fate::handed;
}

// What a resource learns when it becomes available: its siblings, the requests that wait, its contacts by probes
// (RFC 6121 §4.2.2, §4.3.1, §3.1.3).
void PresenceRules::first_presence(Account& account, Resource& resource) {
  const SessionRef session = resource.session;
  for (const auto& other : account.resources())
    if (other.is_available() && other.session != session)
      session->deliver(other.presence->with(other.presence->from(), session->jid()));
  if (!domain_.contacts()) return;
  for (const auto& item : domain_.contacts()->items(account)) {
    if (!item.pending_in.empty())
      if (const auto request = Stanza::from_xml(item.pending_in)) session->deliver(request);
    if (item.seen_by_us())
      domain_.router().route(Stanza::make({Kind::presence, Type::probe, session->jid(), item.jid}, "", ""));
  }
}

void PresenceRules::to_subscribers(Account& account, const StanzaRef& stanza) {
  if (!domain_.contacts()) return;
  for (const auto& item : domain_.contacts()->items(account))
    if (item.sees_us()) send(stanza, item.jid);
}

// RFC 6121 §4.2.2: to all available resources, the one that sent it included.
void PresenceRules::to_own_resources(Account& account, const StanzaRef& stanza) {
  for (const auto& resource : account.resources())
    if (resource.is_available()) resource.session->deliver(stanza->with(stanza->from(), resource.session->jid()));
}

// RFC 6121 §4.6: remembered, so that whoever saw us come sees us go.
MaybeFate PresenceRules::directed(Resource& resource, Account& account, const StanzaRef& stanza, FateTicket ticket) {
  if (stanza->type() == Type::available || stanza->type() == Type::unavailable) {
    const RosterItem* item = domain_.contacts() ? domain_.contacts()->find(account, BareJid{stanza->to()}) : nullptr;
    auto& known = resource.directed;
    const Jid to{stanza->to()};
    const auto at = std::find(known.begin(), known.end(), to);
    if (stanza->type() == Type::unavailable) {
      if (at != known.end()) known.erase(at);
    } else if (at == known.end() && !(resource.is_available() && item && item->sees_us() && !to.is_full())) {
      if (known.size() >= most_directed)
        return domain_.router().refuse(*stanza,
                                       StanzaError{Condition::resource_constraint, "Too many directed presences."});
      known.push_back(to);
    }
  }
  return domain_.router().route(stanza, ticket);
}

// Who has become a subscriber meanwhile has had the broadcast.
void PresenceRules::to_directed(Account& account, Resource& resource, const StanzaRef& stanza) {
  for (const auto& to : std::exchange(resource.directed, {})) {
    const RosterItem* item = domain_.contacts() ? domain_.contacts()->find(account, BareJid{to}) : nullptr;
    if (!(resource.is_available() && item && item->sees_us() && !to.is_full())) send(stanza, to);
  }
}

// RFC 6121 §4.5.2.
void PresenceRules::unavailable(Account& account, Resource& resource, const StanzaRef& stanza) {
  if (resource.is_available()) {
    to_subscribers(account, stanza);
    to_own_resources(account, stanza);
    note_shown(stanza);
  }
  to_directed(account, resource, stanza);
  resource.presence = nullptr;
  resource.priority = 0;
  note_unavailable(account, stanza->child({client_ns, "status"}).text());
}

// RFC 6121 §4.5.3: the server speaks for a client that is gone.
void PresenceRules::gone(Account& account, Resource& resource, StanzaRef stanza) {
  if (!resource.is_available() && resource.directed.empty()) return;
  if (!stanza) stanza = Stanza::make({Kind::presence, Type::unavailable, resource.session->jid(), {}}, "", "");
  if (resource.is_available()) {
    to_subscribers(account, stanza);
    to_own_resources(account, stanza);
    note_shown(stanza);
    note_unavailable(account, {});
  }
  to_directed(account, resource, stanza);
}

MaybeFate PresenceRules::in(Account& account, const StanzaRef& stanza) {
  if (stanza->type() == Type::probe) return answer_probe(account, stanza);
  for (const auto& told : domain_.presence_seen_watchers()) told(account, stanza);
  // RFC 6121 §8.5.2.1.2.
  for (auto& resource : account.resources())
    if (resource.is_available()) resource.session->deliver(stanza);
  return Fate::handed;
}

// RFC 6121 §4.3.2: only to those entitled. What no resource has said mirrors the probe's id (§4.3.2.1).
MaybeFate PresenceRules::answer_probe(Account& account, const StanzaRef& probe) {
  const BareJid from{probe->from()};
  const auto answer = [&](Type type, JidView of, JidView to) {
    domain_.router().route(Stanza::make({Kind::presence, type, of, to}, unescaped(probe->raw_id()), ""));
  };
  const Resource* asked = probe->to().is_full() ? account.find(probe->to().resourcepart()) : nullptr;
  const RosterItem* item = domain_.contacts() ? domain_.contacts()->find(account, from) : nullptr;
  if (from != account.jid() && !(item && item->sees_us())) {
    // §4.6.6: who was shown one resource may ask whether that is still there.
    if (asked && was_shown(*asked, probe->from()))
      answer(Type::available, probe->to(), probe->from());
    else
      answer(Type::unsubscribed, account.jid(), from);
    return Fate::handed;
  }
  if (probe->to().is_full()) {
    // Of the one resource, and no more than whether it is there.
    answer(asked && asked->is_available() ? Type::available : Type::unavailable, probe->to(), probe->from());
    return Fate::handed;
  }
  bool any = false;
  for (const auto& resource : account.resources()) {
    if (!resource.is_available()) continue;
    send(resource.presence, probe->from());
    any = true;
  }
  if (!any) answer(Type::unavailable, account.jid(), probe->from());
  return Fate::handed;
}

void setup(Domain& domain) {
  auto& rules = domain.keep<PresenceRules>(domain);
  domain.provide(static_cast<Presences&>(rules));
  domain.on_presence_out(
      [&](Account& account, const StanzaRef& stanza, FateTicket ticket) { return rules.out(account, stanza, ticket); });
  domain.on_presence_in(
      [&](Account& account, const StanzaRef& stanza, FateTicket) { return rules.in(account, stanza); });
}

}  // namespace

extern const Module presence;
const Module presence{
    .name = "presence",
    .summary = "Tells subscribers who is available (RFC 6121 §4).",
    .setup = setup,
};

}  // namespace jackdaw
