// Whether an address that the DNS names for another server is one that we listen on ourselves.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "net/address.h"
#include "router/shard.h"

namespace jackdaw {

// Any thread.
bool is_own_address(const Server& server, const SocketAddress& address);

}  // namespace jackdaw
