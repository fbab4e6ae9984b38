// Listeners: every address the server listens on, one socket a core each; set at the start, changed by a reload.
//
// An entry is an address, and then who may come in: "*:5222", "192.0.2.1:5222 deny 198.51.100.0/24", "10.0.0.1:5222
// proxy allow 10.0.0.5". prepare() opens what is new and may fail; apply() then changes one core, on its thread or
// before it runs. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/listener.h"
#include "settings/merge.h"

namespace jackdaw {

struct Listening {
  std::string address;  // with the port it got
  TlsMode mode = TlsMode::starttls;
  std::string setting = {};  // the list it stands in
  std::string words = {};    // who may come in, as the settings write it
};

// Failure: which setting, and why.
Result<ChannelLimits> channel_limits(const Settings& settings);

class Listeners {
 public:
  using Accept = std::function<void(std::size_t core, std::unique_ptr<Transport>, TlsMode)>;

  // One address of the settings. The sockets wait for their cores; those that none has taken are closed.
  struct Address {
    std::string name;  // as the settings write it, with the mode: "127.0.0.1:5222 tls"
    Listening listening;
    std::shared_ptr<const Entrance> entrance;
    std::vector<int> sockets;  // one a core; none: the core has it already

    Address() = default;
    Address(Address&& other) noexcept = default;
    Address& operator=(Address&&) = delete;
    ~Address();
  };
  // What the server is to listen on from now on.
  using Plan = std::vector<Address>;

  Listeners(std::size_t cores, std::shared_ptr<Channels> channels, Accept accept);

  // Whether all entries can be read. Failure: which setting, which address, why.
  static Result<Done> check(const Settings& settings);
  // Opens the sockets of what is new. Failure: which setting, which address, why; nothing is changed then.
  Result<Plan> prepare(const Settings& settings) const;
  // Of core `i`, for each in turn; accept() is called there.
  void apply(Plan& plan, std::size_t i, Core& core);
  // When all cores have applied it.
  void settle(const Plan& plan);
  // On core `i`: nobody comes in any more.
  void close(std::size_t i) { by_core_[i].clear(); }

  // In the order of the settings. Any thread.
  std::vector<Listening> addresses() const;

 private:
  struct Entry;
  Result<Done> plan_entry(const Entry& entry, Plan& plan) const;
  Result<Done> plan_address(SocketAddress address, const Entry& entry, Plan& plan) const;
  Result<Done> open_sockets(SocketAddress address, Address& planned, const Plan& plan) const;
  bool uses_port(std::uint16_t port) const;

  std::shared_ptr<Channels> channels_;
  Accept accept_;
  std::vector<std::map<std::string, std::unique_ptr<Listener>>> by_core_;  // by Address::name
  std::map<std::string, Listening> now_;                                   // by Address::name
  mutable std::mutex mutex_;
  std::vector<Listening> addresses_;  // the same, in the order of the settings; under mutex_
};

}  // namespace jackdaw
