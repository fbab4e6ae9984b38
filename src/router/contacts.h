// Contacts: what delivery and the presence rules ask about an account's roster. The roster module provides it; delivery
// works without (everybody is a stranger then).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "router/account.h"

namespace jackdaw {

// RFC 6121 §2.1.2.5.
enum class Subscription { none, to, from, both, remove };
std::string_view name_of(Subscription subscription);

struct RosterItem {
  BareJid jid;
  std::string name;
  std::vector<std::string> groups;
  Subscription subscription = Subscription::none;
  bool ask = false;        // we asked, no answer yet ("pending out")
  bool approved = false;   // approved before being asked (RFC 6121 §3.4)
  bool in_roster = true;   // false: kept only because of a pending request or an approval
  std::string pending_in;  // the subscribe stanza that waits for our user's answer; empty: none

  bool sees_us() const { return subscription == Subscription::from || subscription == Subscription::both; }
  bool seen_by_us() const { return subscription == Subscription::to || subscription == Subscription::both; }
  bool is_idle() const {
    return !in_roster && subscription == Subscription::none && !ask && !approved && pending_in.empty();
  }
};

class Contacts {
 public:
  virtual ~Contacts() = default;
  // Loads the roster while the account wakes.
  virtual Task<Result<Done>> load(Account& account) = 0;
  virtual const RosterItem* find(Account& account, const BareJid& contact) = 0;
  virtual std::vector<RosterItem> items(Account& account) = 0;
  // Takes effect at once, is pushed to interested resources once stored, then `done` is told whether that succeeded.
  // An item that is_idle() is removed.
  virtual void change(Account& account, RosterItem item, std::function<void(bool)> done) = 0;
  // True when a new item would exceed the limit.
  virtual bool is_full(Account& account) = 0;
};

// Keeps messages for an account while nobody is there to take them (XEP-0160). The offline module provides it.
class Offline {
 public:
  virtual ~Offline() = default;
  // Whether this message is one to keep.
  virtual bool keeps(const Stanza& stanza) = 0;
  // `since`: when it was first meant to be delivered; the epoch: now. `done` is told what became of it; `refused` when
  // the account's store is full or failed.
  virtual void keep(Account& account, StanzaRef stanza, TimePoint since, std::function<void(Fate)> done) = 0;
  // An available resource has come (or taken a priority that is not negative): sends what is kept.
  virtual void flush(Account& account, const SessionRef& session) = 0;
};

// Says what presence others may know. The presence module provides it.
class Presences {
 public:
  virtual ~Presences() = default;
  // A resource is gone, with or without a word: tells those who knew that it was there.
  virtual void gone(Account& account, Resource& resource, StanzaRef unavailable) = 0;
};

}  // namespace jackdaw
