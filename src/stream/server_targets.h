// ServerTargets: which other servers do not answer, and which queue may try one next.
//
// A target that could not be reached is tried by one queue at a time, after a pause that grows, however many of our
// domains have something for it. Each target has a home core, the hash of its name, whose table the queues of all cores
// ask. What only one pair of domains has to do with, such as a proof that was refused, is its queue's own.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"
#include "stanza/errors.h"

namespace jackdaw {

// After so many failures in a row, at most 10 s: a network that is back is soon found.
Seconds pause_after(int failures);

class ServerTargets {
 public:
  static constexpr std::size_t most = 20'000;  // targets; of further ones each queue knows for itself

  struct Turn {
    bool may_try = true;  // and then says what came of it
    Steady again = {};    // else: when to ask again
    StanzaError error{Condition::remote_server_timeout};
  };
  Turn ask(std::string_view target, Steady now);
  // It could not be reached: when to ask again.
  Steady failed(const std::string& target, const StanzaError& error, Steady now);
  // It was reached, or an administrator wants it to be tried.
  void forget(std::string_view target);
  // Those that nobody has asked for in a while go.
  void sweep(Steady now);
  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    int failures = 0;
    Steady again = {};
    Steady tried_until = {};  // a queue tries it; it has had its time by then
    StanzaError error{Condition::remote_server_timeout};
  };
  std::map<std::string, Waiting, std::less<>> waiting_;
};

}  // namespace jackdaw
