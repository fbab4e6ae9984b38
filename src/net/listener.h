// Listener: accepts connections on one address, on every core, within limits, and hands them on.
//
// One listening socket a core (SO_REUSEPORT), so accepting scales with the cores. Who is not of the entrance's list is
// closed at once; who comes when all channels are taken is told so, except where TLS comes first. Out of descriptors it
// pauses for a second and keeps a few in reserve for the store and the administrator.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "net/address.h"
#include "net/channels.h"
#include "net/core.h"
#include "net/entrance.h"
#include "net/proxied.h"
#include "net/refused.h"
#include "net/transport.h"

namespace jackdaw {

// Given an accepted connection, on the core that accepted it.
using Accepted = std::function<void(std::unique_ptr<Transport>, TlsMode)>;

class Listener final : private Watched, private Timer {
 public:
  enum class First { yes, no };
  // Opens a socket; the first one of an address fails when another process listens there, later ones share it. Failure:
  // address and reason.
  static Result<int> open_socket(const SocketAddress& address, First first = First::yes);

  Listener(Core& core, int descriptor, std::shared_ptr<const Entrance> entrance, std::shared_ptr<Channels> channels,
           Accepted accepted);
  ~Listener() override;
  // For connections that come from now on; the mode of TLS is the same.
  void change(std::shared_ptr<const Entrance> entrance) { entrance_ = std::move(entrance); }

 private:
  void ready(std::uint32_t events) override;
  void fires() override;
  bool accept_one();
  void let_in(int descriptor, const std::string& host);
  void complain(const std::string& host, std::string_view why);
  void pause(int why);

  Core& core_;
  int descriptor_;
  std::shared_ptr<const Entrance> entrance_;
  std::shared_ptr<Channels> channels_;
  Accepted accepted_;
  RefusedConnections refused_connections_{core_};
  ProxiedConnections proxied_{core_, [this](int descriptor, const std::string& host) { let_in(descriptor, host); }};
  Steady last_complaint_{};
  std::uint64_t refused_ = 0;
};

// Raises the limit of open files to what the system allows; returns it.
std::int64_t raise_descriptor_limit();

}  // namespace jackdaw
