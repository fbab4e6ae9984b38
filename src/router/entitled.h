// Who may know about an account: the account itself, and whom it lets see its presence (RFC 6121 §3.1.1).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>

#include "router/domain.h"
#include "router/router.h"

namespace jackdaw {

inline bool is_own(const IqRequest& iq) { return iq.from().bare() == iq.account().text(); }

// Whether the resource has shown itself to `from` by directed presence (RFC 6121 §4.6).
inline bool was_shown(const Resource& resource, JidView from) {
  return std::ranges::any_of(resource.directed, [&](const Jid& to) {
    return to.text() == (to.resourcepart().empty() ? from.bare() : from.text());
  });
}

// Whether `from` may see the presence of `account`, which is awake: by subscription, or since one of its devices has
// shown itself to it (RFC 6121 §4.6).
inline bool may_see_presence(Domain& domain, Account& account, JidView from) {
  if (from.bare() == account.jid().text()) return true;
  if (std::ranges::any_of(account.resources(), [&](const Resource& r) { return was_shown(r, from); })) return true;
  const RosterItem* contact = domain.contacts() ? domain.contacts()->find(account, BareJid{from}) : nullptr;
  return contact && contact->sees_us();
}

// Inside a handler for accounts, where the account is awake.
inline bool may_see_presence(Domain& domain, const IqRequest& iq) {
  Account* account = domain.router().find_awake(iq.account().text());
  return is_own(iq) || (account && may_see_presence(domain, *account, iq.from()));
}

}  // namespace jackdaw
