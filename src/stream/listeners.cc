// SPDX-License-Identifier: Apache-2.0
#include "stream/listeners.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

std::string name_of(const SocketAddress& address, TlsMode mode) {
  return address.text() + (mode == TlsMode::at_once ? " tls" : " starttls");
}

TlsMode other_mode(TlsMode mode) { return mode == TlsMode::at_once ? TlsMode::starttls : TlsMode::at_once; }

SocketAddress bound_address(int descriptor) {
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  return bound;
}

std::uint16_t port_of(const Listening& listening) {
  const auto address = parse_address(listening.address);
  return address ? address->front().port() : std::uint16_t{0};
}

}  // namespace

Listeners::Address::~Address() {
  for (const int descriptor : sockets)
    if (descriptor >= 0) ::close(descriptor);
}

Listeners::Listeners(std::size_t cores, std::shared_ptr<Channels> channels, Accept accept)
    : channels_(std::move(channels)), accept_(std::move(accept)), by_core_(cores) {}

Result<Listeners::Plan> Listeners::prepare(const Settings& settings) const {
  const std::pair<const Setting<StringList>*, TlsMode> lists[] = {
      {&listen_client, TlsMode::starttls}, {&listen_server, TlsMode::starttls}, {&listen_tls, TlsMode::at_once}};
  Plan plan;
  for (const auto& [setting, mode] : lists)
    for (const auto& text : settings.value(*setting)) {
      const auto planned = plan_entry(text, mode, plan);
      // A machine without IPv6 is no reason not to serve: the default names both loopback addresses.
      const bool by_default = settings.describe(*settings.table().find(setting->name)).origin == Origin::fallback;
      if (!planned && !(by_default && text.front() == '['))
        return Failure{std::string(setting->name) + ": " + planned.failure().what};
    }
  return plan;
}

// "*:5222" is two addresses; one of them is enough.
Result<Done> Listeners::plan_entry(const std::string& text, TlsMode mode, Plan& plan) const {
  auto addresses = parse_address(text);
  if (!addresses) return addresses.failure();
  bool opened = false;
  Result<Done> last = Done{};
  for (const auto& address : *addresses) opened |= (last = plan_address(address, mode, plan)).ok();
  return opened ? Result<Done>{Done{}} : last;
}

Result<Done> Listeners::plan_address(SocketAddress address, TlsMode mode, Plan& plan) const {
  Address planned;
  planned.name = name_of(address, mode);
  // Where the system chooses the port there may be several of the same text.
  if (address.port() == 0)
    planned.name += " #" + std::to_string(std::ranges::count_if(plan, [&](const Address& other) {
                      return other.name.starts_with(planned.name + " #");
                    }));
  const auto names_it = [&](const Address& other) {
    return other.name == planned.name || other.name == name_of(address, other_mode(mode));
  };
  if (address.port() != 0 && std::ranges::any_of(plan, names_it))
    return Failure{address.text() + ": this address is named twice"};
  const auto there = now_.find(planned.name);
  if (there != now_.end()) {
    planned.listening = there->second;
    plan.push_back(std::move(planned));
    return Done{};
  }
  // A port that is ours already, on another address or with the other mode, is shared with ourselves.
  const bool ours = uses_port(address.port()) || std::ranges::any_of(plan, [&](const Address& other) {
                      return port_of(other.listening) == address.port();
                    });
  for (std::size_t i = 0; i < by_core_.size(); ++i) {
    const auto first = i == 0 && !ours ? Listener::First::yes : Listener::First::no;
    const auto descriptor = Listener::open_socket(address, first);
    if (!descriptor) return descriptor.failure();
    planned.sockets.push_back(*descriptor);
    address.set_port(bound_address(*descriptor).port());
  }
  planned.listening = {bound_address(planned.sockets.front()).text(), mode};
  plan.push_back(std::move(planned));
  return Done{};
}

bool Listeners::uses_port(std::uint16_t port) const {
  return std::ranges::any_of(now_, [&](const auto& each) { return port_of(each.second) == port; });
}

void Listeners::apply(Plan& plan, std::size_t i, Core& core) {
  std::erase_if(by_core_[i], [&](const auto& each) {
    return std::ranges::none_of(plan, [&](const Address& a) { return a.name == each.first; });
  });
  for (auto& address : plan) {
    if (address.sockets.empty()) continue;
    const int descriptor = std::exchange(address.sockets[i], -1);
    by_core_[i][address.name] = std::make_unique<Listener>(
        core, descriptor, address.listening.mode, channels_,
        [this, i](std::unique_ptr<Transport> transport, TlsMode mode) { accept_(i, std::move(transport), mode); });
  }
}

void Listeners::settle(const Plan& plan) {
  now_.clear();
  addresses_.clear();
  for (const auto& address : plan) {
    now_.emplace(address.name, address.listening);
    addresses_.push_back(address.listening);
  }
}

}  // namespace jackdaw
