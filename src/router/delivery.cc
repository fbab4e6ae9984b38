// What an address of ours means: RFC 6121 §8 as one table. The tables of §8.5 in short:
//
//              to bare JID,            to bare JID,         to full JID,     to full JID,
//              somebody available      nobody available     connected        not connected
//   normal     all, priority >= 0      kept, else error     that resource    error
//   chat       all, priority >= 0      kept, else error     that resource    as to the bare JID
//   headline   all, priority >= 0      dropped              that resource    dropped
//   groupchat  error                   error                that resource    error
//   error      dropped                 dropped              that resource    dropped
//   iq         answered for the account, either way         that resource    error
//   presence   the presence rules, either way               that resource    dropped
//
// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"
#include "router/delay.h"
#include "router/shard.h"

namespace jackdaw {
namespace {

const Metric stanzas_delivered{"jackdaw_stanzas_delivered", "Stanzas handed to sessions."};
const Metric handler_failures{"jackdaw_handler_failures", "Handlers that failed by a bug."};

bool is_request(const Stanza& stanza) { return stanza.type() == Type::get || stanza.type() == Type::set; }

}  // namespace

// A stanza to the domain itself (RFC 6120 §10.5.1, RFC 6121 §8.4).
MaybeFate Router::to_domain(Domain& domain, const StanzaRef& stanza, FateTicket ticket) {
  if (stanza->kind() == Kind::presence) return Fate::handed;
  if (stanza->kind() == Kind::message) {
    if (stanza->type() == Type::error) return Fate::handed;
    const MessageHandler* handler = domain.find_message(stanza->first_child().name());
    return handler ? (*handler)(stanza, ticket) : refuse_with(*stanza, Condition::service_unavailable);
  }
  if (!is_request(*stanza)) {
    take_answer(stanza);
    return Fate::handed;
  }
  const Element payload = stanza->first_child();
  const IqHandler* handler = stanza->to().is_full() ? nullptr : domain.find_delegate(*stanza);
  if (!handler && !stanza->to().is_full()) handler = domain.find_iq(stanza->type(), To::domain, payload.name());
  if (!handler) return refuse_with(*stanza, Condition::service_unavailable);
  return answer(domain, *handler, stanza, ticket);
}

// RFC 6121 §8.5.1.
MaybeFate Router::no_such_account(const StanzaRef& stanza) {
  if (stanza->kind() != Kind::presence) {
    if (stanza->type() == Type::error || stanza->type() == Type::result) return Fate::handed;
    // What an account would refuse to a stranger is refused alike where there is none.
    const Domain* domain = shard_.domain(stanza->to().domainpart());
    if (domain && stanza->kind() == Kind::iq && stanza->type() == Type::get &&
        domain->find_guard(stanza->first_child().name()))
      return refuse_with(*stanza, Condition::forbidden);
    return refuse_with(*stanza, Condition::service_unavailable);
  }
  // RFC 6121 §8.5.1: a request waits as it would for somebody who does not answer it. A probe gets what one gets who
  // may not see the account (§4.3.2).
  if (stanza->type() == Type::probe)
    route(Stanza::make(
        {Kind::presence, Type::unsubscribed, JidView(BareJid{stanza->to()}), JidView(BareJid{stanza->from()})},
        unescaped(stanza->raw_id()), ""));
  return Fate::handed;
}

MaybeFate Router::to_account(Account& account, const StanzaRef& stanza, FateTicket ticket) {
  Domain* domain = shard_.domain(account.jid().domainpart());
  if (!domain) return refuse_with(*stanza, Condition::service_unavailable);
  if (stanza->kind() == Kind::presence && stanza->type() != Type::error) {
    if (!stanza->to().is_full() || (stanza->type() != Type::available && stanza->type() != Type::unavailable)) {
      const auto& handler = is_subscription(*stanza) ? domain->subscription_in() : domain->presence_in();
      return handler ? handler(account, stanza, ticket) : MaybeFate{Fate::handed};
    }
  }
  if (stanza->kind() == Kind::message) {
    Delivery delivery{stanza, account};
    if (auto refused = run_hooks(*domain, delivery)) return refuse(*stanza, *refused);
    return stanza->to().is_full() ? deliver_full(account, delivery.stanza(), ticket)
                                  : deliver_bare(account, delivery.stanza(), ticket);
  }
  if (stanza->kind() == Kind::iq && stanza->type() == Type::get && stanza->to().is_full())
    if (const QueryGuard* guard = domain->find_guard(stanza->first_child().name()))
      if (auto refused = (*guard)(account, *stanza)) return refuse(*stanza, *refused);
  return stanza->to().is_full() ? deliver_full(account, stanza, ticket) : deliver_bare(account, stanza, ticket);
}

Verdict Router::run_hooks(Domain& domain, Delivery& delivery) {
  for (Phase phase : {Phase::guard, Phase::change, Phase::observe})
    for (const auto& hook : domain.hooks(phase))
      if (auto refused = hook(delivery)) return refused;
  return std::nullopt;
}

MaybeFate Router::deliver_full(Account& account, const StanzaRef& stanza, FateTicket ticket) {
  if (Resource* resource = account.find(stanza->to().resourcepart())) {
    stanzas_delivered.add();
    resource->session->deliver(stanza);
    return Fate::handed;
  }
  if (stanza->kind() == Kind::iq)
    return is_request(*stanza) ? refuse_with(*stanza, Condition::service_unavailable) : MaybeFate{Fate::handed};
  if (stanza->kind() == Kind::presence) return Fate::handed;
  switch (stanza->type()) {
    case Type::chat:
      return message_to_bare(account, stanza, ticket);
    case Type::headline:
    case Type::error:
      return Fate::handed;
    default:
      return refuse_with(*stanza, Condition::service_unavailable);
  }
}

MaybeFate Router::deliver_bare(Account& account, const StanzaRef& stanza, FateTicket ticket) {
  if (stanza->kind() == Kind::iq) return iq_to_account(account, stanza, ticket);
  if (stanza->kind() == Kind::message) return message_to_bare(account, stanza, ticket);
  // An error to a subscription stanza: whoever is there should know that it did not arrive.
  for (auto& resource : account.resources())
    if (resource.is_available()) resource.session->deliver(stanza);
  return Fate::handed;
}

MaybeFate Router::message_to_bare(Account& account, const StanzaRef& stanza, FateTicket ticket, TimePoint since) {
  if (stanza->type() == Type::error) return Fate::handed;
  if (stanza->type() == Type::groupchat) return refuse_with(*stanza, Condition::service_unavailable);
  const auto reachable = std::count_if(account.resources().begin(), account.resources().end(),
                                       [](const Resource& r) { return r.is_reachable(); });
  const bool again = since != TimePoint{};
  const StanzaRef shown = again && reachable > 0 ? delayed(*stanza, account.jid().domainpart(), since) : stanza;
  for (auto& resource : account.resources()) {
    if (!resource.is_reachable()) continue;
    stanzas_delivered.add();
    if (again)
      resource.session->deliver_again(shown, reachable > 1, since);
    else if (reachable > 1)
      resource.session->deliver_copy(shown);
    else
      resource.session->deliver(shown);
  }
  if (reachable > 0 || stanza->type() == Type::headline) return Fate::handed;
  return keep_offline(account, stanza, ticket, since);
}

MaybeFate Router::keep_offline(Account& account, const StanzaRef& stanza, FateTicket ticket, TimePoint since) {
  Domain* domain = shard_.domain(account.jid().domainpart());
  Offline* offline = domain ? domain->offline() : nullptr;
  if (!offline) return refuse_with(*stanza, Condition::service_unavailable);
  // XEP-0160 §3, XEP-0334 §4: what is not worth keeping is dropped without a word.
  if (!offline->keeps(*stanza)) return Fate::handed;
  ++keeping_;
  offline->keep(account, stanza, since, [this, stanza, ticket](Fate fate) {
    --keeping_;
    if (fate == Fate::refused) refuse_with(*stanza, Condition::service_unavailable);
    settle(ticket, fate);
  });
  return std::nullopt;
}

// RFC 6121 §8.5.2: the server answers for the account; strangers learn nothing (§8.5.2.2.3).
MaybeFate Router::iq_to_account(Account& account, const StanzaRef& stanza, FateTicket ticket) {
  if (!is_request(*stanza)) {
    take_answer(stanza);
    return Fate::handed;
  }
  Domain& domain = *shard_.domain(account.jid().domainpart());
  const Element payload = stanza->first_child();
  const Acting acting = domain.acting(*stanza);
  if (acting == Acting::forbidden) return refuse_with(*stanza, Condition::forbidden);
  const IqHandler* handler = domain.find_delegate(*stanza);
  if (!handler && (stanza->from().bare() == account.jid().text() || acting == Acting::allowed))
    handler = domain.find_iq(stanza->type(), To::own_account, payload.name());
  if (!handler) handler = domain.find_iq(stanza->type(), To::account, payload.name());
  if (!handler) return refuse_with(*stanza, Condition::service_unavailable);
  return answer(domain, *handler, stanza, ticket);
}

MaybeFate Router::answer(Domain& domain, const IqHandler& handler, const StanzaRef& stanza, FateTicket ticket) {
  spawn(answer_later(domain, handler, stanza, ticket));
  return std::nullopt;
}

// The one reply that each request gets: also when the handler throws (STYLE, invariant 6).
Task<void> Router::answer_later(Domain& domain, const IqHandler& handler, StanzaRef stanza, FateTicket ticket) {
  const JidView to = stanza->to();
  Reply reply = StanzaError{Condition::internal_server_error};
  try {
    reply = co_await handler(IqRequest{stanza, to.has_localpart() ? BareJid{to} : BareJid{}});
  } catch (const std::exception& bug) {
    handler_failures.add();
    domain.log().crash("a handler failed", {{"payload", stanza->first_child().ns()}, {"why", bug.what()}});
  }
  settle(ticket, reply.error() ? Fate::refused : Fate::stored);
  if (const StanzaError* error = reply.error())
    refuse(*stanza, *error);
  else
    route(result_reply(*stanza, reply.payload()));
}

// XEP-0198 §5: what a session did not get is treated as if its resource had not been there: kept or refused.
void Router::route_again(const StanzaRef& stanza, Undelivered then, TimePoint since) {
  Account* account = find_awake(stanza->to().bare());
  const auto is_reachable = [](const Resource& r) { return r.is_reachable(); };
  if (account && then == Undelivered::route_unless_reached &&
      std::any_of(account->resources().begin(), account->resources().end(), is_reachable))
    return;
  // Another device may have had it: nobody is told that it did not arrive.
  if (!account && then == Undelivered::route_unless_reached) return;
  if (stanza->kind() == Kind::message && account && stanza->type() != Type::groupchat) {
    message_to_bare(*account, stanza, {}, since);
    return;
  }
  if (stanza->kind() == Kind::iq && is_request(*stanza)) refuse_with(*stanza, Condition::service_unavailable);
  if (stanza->kind() != Kind::message) return;
  if (stanza->type() == Type::groupchat)
    refuse_with(*stanza, Condition::recipient_unavailable);
  else if (stanza->type() != Type::error && stanza->type() != Type::headline)
    refuse_with(*stanza, Condition::service_unavailable);  // the account is gone, and its sender should know
}

}  // namespace jackdaw
