// Connections that are not let in but told why: their last words go out, and the sockets stay a moment, so that the
// words are read before the connection is gone (RFC 9293 §3.6.1).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <string_view>

#include "net/core.h"

namespace jackdaw {

// On one core.
class RefusedConnections final : private Timer {
 public:
  explicit RefusedConnections(Core& core) : core_(core) {}
  ~RefusedConnections() override;
  // Takes the descriptor. Above 64 at once the oldest is closed.
  void tell(int descriptor, std::string_view last_words);

 private:
  struct Refused {
    int descriptor;
    Steady until;
  };
  void fires() override;
  void close_oldest();
  Core& core_;
  std::deque<Refused> refused_;
};

}  // namespace jackdaw
