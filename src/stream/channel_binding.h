// Channel bindings of a TLS connection, seen from the server (RFC 5929, RFC 9266). Start at channel_bindings().
//
// On the connection's core; the result is a copy and outlives the connection.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/types.h>

#include <string>
#include <vector>

namespace jackdaw {

struct ChannelBinding {
  std::string name;  // as registered: "tls-exporter"
  std::string data;  // secret for tls-exporter and tls-unique: never logged
};

// All that can be offered safely on this connection, the strongest first; empty before the handshake is done and when
// nothing is safe. `ssl` is the server's end.
std::vector<ChannelBinding> channel_bindings(SSL* ssl);

}  // namespace jackdaw
