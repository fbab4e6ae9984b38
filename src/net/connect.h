// Connections that we open: the first of several addresses that answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "net/address.h"
#include "net/transport.h"

namespace jackdaw {

struct Connected {
  std::unique_ptr<Transport> transport;  // null: none could be reached
  std::string why;                       // then: the last one's reason
};

// The addresses in turn, IPv6 and IPv4 alternating; the next one begins when one has failed or has been silent for a
// second, and who answers first wins (RFC 8305 §4, §5: at most 2 s between). On the calling core.
Task<Connected> connect_to(Core& core, std::vector<SocketAddress> addresses, Seconds patience);

}  // namespace jackdaw
