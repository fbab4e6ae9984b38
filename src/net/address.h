// Socket addresses as people write them: "127.0.0.1:5222", "[::1]:5222", "*:5222" (every address, both families).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace jackdaw {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::uint16_t port() const;
  void set_port(std::uint16_t port);
  std::string host() const;  // an IPv4 address mapped into IPv6 is shown as IPv4
  std::string text() const;  // with port
};

// One entry; "*" gives two. Failure: what is wrong and what is allowed.
Result<std::vector<SocketAddress>> parse_address(std::string_view text);

// 127.0.0.0/8 and ::1 (RFC 6890): somebody on this machine.
bool is_loopback(std::string_view host);

// Whom a limit per address counts: an IPv4 address, or the /64 of an IPv6 one.
std::string address_group(std::string_view host);

}  // namespace jackdaw
