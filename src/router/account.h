// Account: what the router keeps of a local account that is awake: its resources and what modules hang on it.
//
// Lives on the account's home core, is made at first access and rests when nobody is connected for a while.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "router/entity.h"
#include "router/fate.h"
#include "store/accounts.h"

namespace jackdaw {

// One connected device.
struct Resource {
  SessionRef session;
  std::string resourcepart;
  int priority = 0;
  bool interested = false;    // asked for the roster (RFC 6121 §2.2)
  StanzaRef presence;         // the last available one; null: not available
  Steady active{};            // when it last sent a message or presence
  std::vector<Jid> directed;  // whom it sent directed presence, bare or full (RFC 6121 §4.6)

  bool is_available() const { return presence != nullptr; }
  bool is_reachable() const { return is_available() && priority >= 0; }
};

// What a module keeps with an account while it is awake.
class AccountPart {
 public:
  virtual ~AccountPart() = default;
};

struct Waiting {
  StanzaRef stanza;
  FateTicket ticket;
};

// Whoever waits for the store with one in hand holds it (hold()), so that it does not rest meanwhile.
class Account : public std::enable_shared_from_this<Account> {
 public:
  explicit Account(BareJid jid) : jid_(std::move(jid)) {}

  const BareJid& jid() const { return jid_; }
  std::shared_ptr<Account> hold() { return shared_from_this(); }
  std::vector<Resource>& resources() { return resources_; }
  Resource* find(std::string_view resourcepart) {
    for (auto& r : resources_)
      if (r.resourcepart == resourcepart) return &r;
    return nullptr;
  }
  bool has_available() const {
    for (const auto& r : resources_)
      if (r.is_available()) return true;
    return false;
  }

  // What is loaded when it wakes.
  enum class State { waking, missing, awake };
  State state = State::waking;
  bool locked = false;
  KeysMark keys = no_keys;       // of its password
  bool is_temporary = false;     // without a record; goes with its last session (Router::admit_temporary)
  bool removed = false;          // nothing may be stored for it any more
  bool in_debt = false;          // something of it is still to be stored or erased: it does not rest
  bool amending = false;         // its record is being changed (provision.cc)
  std::vector<Waiting> waiting;  // while waking, or while offline messages go out; at most max_waiting
  std::size_t waiting_bytes = 0;
  bool flushing = false;  // offline messages are going out: new ones wait behind them
  Steady touched{};
  std::vector<std::function<void()>> on_awake;  // whoever waits for it to wake
  // More are refused with resource-constraint.
  static constexpr std::size_t max_waiting = 1000, max_waiting_bytes = 4 << 20;

  // A place for a module's part; ask once for each kind of part.
  static std::size_t new_slot();
  template <class T>
  T& part(std::size_t slot) {
    if (parts_.size() <= slot) parts_.resize(slot + 1);
    if (!parts_[slot]) parts_[slot] = std::make_unique<T>();
    return static_cast<T&>(*parts_[slot]);
  }

 private:
  BareJid jid_;
  std::vector<Resource> resources_;
  std::vector<std::unique_ptr<AccountPart>> parts_;
};

}  // namespace jackdaw
