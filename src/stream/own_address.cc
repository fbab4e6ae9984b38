// SPDX-License-Identifier: Apache-2.0
#include "stream/own_address.h"

#include <unistd.h>

namespace jackdaw {
namespace {

bool is_any(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

// Only an address of this machine can be bound.
bool is_of_this_machine(SocketAddress address) {
  const int descriptor = ::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  address.set_port(0);
  const bool bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0;
  ::close(descriptor);
  return bound;
}

}  // namespace

bool is_own_address(const Server& server, const SocketAddress& address) {
  if (!server.listening) return false;
  for (const auto& socket : server.listening()) {
    const auto ours = parse_address(socket.address);
    if (!ours || ours->front().port() != address.port()) continue;
    const std::string host = ours->front().host();
    if (host == address.host()) return true;
    if (is_any(host) && ours->front().storage.ss_family == address.storage.ss_family && is_of_this_machine(address))
      return true;
  }
  return false;
}

}  // namespace jackdaw
