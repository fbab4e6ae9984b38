// Listener: accepts connections on one address, on every core, within limits, and hands them on.
//
// One listening socket a core (SO_REUSEPORT), so accepting scales with the cores. Out of descriptors it pauses for a
// second and keeps a few in reserve for the store and the administrator.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "net/address.h"
#include "net/channels.h"
#include "net/core.h"
#include "net/transport.h"

namespace jackdaw {

enum class TlsMode { starttls, at_once };

// Given an accepted connection, on the core that accepted it.
using Accepted = std::function<void(std::unique_ptr<Transport>, TlsMode)>;

class Listener final : private Watched, private Timer {
 public:
  enum class First { yes, no };
  // Opens a socket; the first one of an address fails when another process listens there, later ones share it. Failure:
  // address and reason.
  static Result<int> open_socket(const SocketAddress& address, First first = First::yes);

  Listener(Core& core, int descriptor, TlsMode mode, std::shared_ptr<Channels> channels, Accepted accepted);
  ~Listener() override;

 private:
  void ready(std::uint32_t events) override;
  void fires() override;
  bool accept_one();
  void pause(int why);

  Core& core_;
  int descriptor_;
  TlsMode mode_;
  std::shared_ptr<Channels> channels_;
  Accepted accepted_;
  Steady last_complaint_{};
  std::uint64_t refused_ = 0;
};

// Raises the limit of open files to what the system allows; returns it.
std::int64_t raise_descriptor_limit();

}  // namespace jackdaw
