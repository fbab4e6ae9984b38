// Messages of strangers, refused where the domain or the account wants it. Known are one's own devices, whoever has a
// subscription in either direction, and whom one of the devices has shown itself to (a room, for instance).
// SPDX-License-Identifier: Apache-2.0
#include "router/strangers.h"

#include "base/metrics.h"
#include "router/entitled.h"
#include "router/module.h"

namespace jackdaw {
namespace {

const Metric refused_strangers{"jackdaw_strangers_refused", "Messages refused as their sender is a stranger."};

bool is_known(Domain& domain, Account& account, JidView from) {
  // The server itself says what it must.
  if (!from.has_localpart() && from.domainpart() == account.jid().domainpart()) return true;
  if (may_see_presence(domain, account, from)) return true;
  const RosterItem* contact = domain.contacts() ? domain.contacts()->find(account, BareJid{from}) : nullptr;
  return contact && contact->seen_by_us();
}

// As if there were nobody (RFC 6121 §8.5.1): whether there is an account is none of a stranger's business.
Verdict check_sender(Domain& domain, Delivery& delivery) {
  const Stanza& stanza = *delivery.stanza();
  if (stanza.kind() != Kind::message || stanza.type() == Type::error) return std::nullopt;
  if (!refuses_strangers(domain, delivery.account().jid())) return std::nullopt;
  if (is_known(domain, delivery.account(), stanza.from())) return std::nullopt;
  refused_strangers.add();
  return StanzaError{Condition::service_unavailable};
}

void setup(Domain& domain) {
  domain.on_message(Phase::guard, [&domain](Delivery& delivery) { return check_sender(domain, delivery); });
}

}  // namespace

extern const Module strangers{
    .name = "strangers",
    .summary = "Refuses messages of people an account does not know, where that is wanted.",
    .settings = rows(message_refuse_strangers),
    .setup = setup,
};

}  // namespace jackdaw
