// How often somebody may try to log in: failures are counted for each account, each address, and each pair of them.
// Start at LoginLimits::wait(). Time is passed in, never asked.
//
// Thread-compatible: no lock of its own; whoever shares one between cores locks around each call.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "stream/recent_table.h"

namespace jackdaw {

struct LoginRules {
  // So many failures cost nothing. The last of them starts the first wait; each further one doubles it.
  int free_for_pair = 5;
  int free_for_account = 50;
  int free_for_address = 100;
  // So many of one account within that time, and further ones wait until it has passed; 0: no such limit.
  int account_flow = 0;
  Seconds account_flow_time = 60s;
  Seconds first_wait = 5s;
  Seconds longest_wait = 15min;
  Seconds forget_after = 24h;  // without a failure; longer than longest_wait
  Seconds trust_for = 30 * 24h;
  // Entries kept, at about 100 bytes each; one of trust takes 24 bytes more for each further address.
  std::size_t pairs = 100'000;
  std::size_t accounts = 100'000;
  std::size_t addresses = 100'000;
  std::size_t trusted_accounts = 100'000;
  std::size_t trusted_addresses_each = 16;
};

// What counts as one address: IPv4 as it is, also when written as v4-mapped IPv6; IPv6 by its /64. Text that is no
// address is its own key.
std::string address_key(std::string_view address);

// A stranger cannot lock a user out: an address from which the account logged in within `trust_for` is held only to
// the pair's own limit. What is not there counts like what is: names of no account are limited too.
//
// Full tables forget the oldest entry. For failures that means up to `free_for_…` more tries for whoever was pushed
// out; since an address is slowed down after `free_for_address` failures, pushing out the default 100,000 pairs takes
// about 1,000 addresses. For trust it means that the user who has not logged in for longest is held to the limits per
// account and per address until the next success.
// Everything is lost at a restart.
class LoginLimits {
 public:
  // `account` is the bare JID that was tried, `address` the peer's as text. A limit below 1 is a Bug.
  explicit LoginLimits(LoginRules rules = {});

  // An empty account is nobody's: its failures count for the address alone.
  //
  // How long until the next try; zero: now. While it is not zero the try is refused unseen (temporary-auth-failure) and
  // not counted. Where checking a password takes time, ask once more when the result is known and, when it is no
  // longer zero, withhold the result: else many tries at once pass together.
  Seconds wait(std::string_view account, std::string_view address, Steady now) const;
  void failed(std::string_view account, std::string_view address, Steady now);
  // Ends the pair's failures and makes the address trusted; what others failed still counts.
  void succeeded(std::string_view account, std::string_view address, Steady now);

  // `flow` of 0: no such limit.
  void set_account_flow(int flow, Seconds time) { rules_.account_flow = flow, rules_.account_flow_time = time; }
  // Entries in all tables.
  std::size_t size() const;

 private:
  struct Failures {
    int count = 0;
    Steady last{};
    // Of the present period of account_flow_time; of accounts alone.
    int in_period = 0;
    Steady period{};
  };
  using Key = RecentTable<Failures>::Key;
  struct Trust {
    Key address;
    Steady since;
  };
  // Where an account logged in from. Most have one address, which takes no memory of its own.
  struct Trusted {
    Trust latest{};
    std::vector<Trust> earlier = {};  // in order of success
  };

  bool trusted(const Key& account, const Key& address, Steady now) const;
  Seconds left(const Failures* failures, int free, Steady now) const;
  Seconds left_in_flow(const Failures* failures, Steady now) const;
  void count(RecentTable<Failures>& table, const Key& key, Steady now) const;

  LoginRules rules_;
  RecentTable<Failures> pairs_;
  RecentTable<Failures> accounts_;
  RecentTable<Failures> addresses_;
  RecentTable<Trusted> trusted_;  // by account; an account's oldest address goes when it has too many
};

}  // namespace jackdaw
