// What a proxy says about whom it stands for, before the first byte of the connection itself: the PROXY protocol,
// versions 1 and 2 (www.haproxy.org/download/2.6/doc/proxy-protocol.txt).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace jackdaw {

struct ProxyHeader {
  enum class State { incomplete, wrong, complete } state = State::incomplete;
  std::size_t size = 0;  // bytes that belong to it; behind them the connection begins
  std::string host;      // of the client, as SocketAddress::host() writes it; empty: it names nobody
};

// A longer header is refused: version 1 has at most 107 bytes, version 2 as many as its extensions take.
constexpr std::size_t longest_proxy_header = 1024;

// `bytes`: what has come so far.
ProxyHeader read_proxy_header(std::string_view bytes);

}  // namespace jackdaw
