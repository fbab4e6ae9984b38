// SPDX-License-Identifier: Apache-2.0
#include "stream/own_address.h"

#include <unistd.h>

namespace jackdaw {
namespace {

bool is_any(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

// To an address of its own a machine speaks from that address; nothing is sent for it.
bool is_of_this_machine(const SocketAddress& address) {
  if (is_loopback(address.host())) return true;
  const int descriptor = ::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  SocketAddress own;
  own.size = sizeof own.storage;
  const bool known = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 &&
                     ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own.storage), &own.size) == 0;
  ::close(descriptor);
  return known && own.host() == address.host();
}

bool is_v4(const std::string& host) { return host.find(':') == host.npos; }

}  // namespace

bool is_own_address(const Server& server, const SocketAddress& address) {
  if (!server.listening) return false;
  for (const auto& socket : server.listening()) {
    const auto ours = parse_address(socket.address);
    if (!ours || ours->front().port() != address.port()) continue;
    const std::string host = ours->front().host();
    if (host == address.host()) return true;
    if (is_any(host) && is_v4(host) == is_v4(address.host()) && is_of_this_machine(address)) return true;
  }
  return false;
}

}  // namespace jackdaw
