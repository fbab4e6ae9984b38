// SPDX-License-Identifier: Apache-2.0
#include "net/connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace jackdaw {
namespace {

constexpr auto head_start = 1s;

// RFC 8305 §4: one family after the other, beginning with that of the first address.
std::vector<SocketAddress> alternating(const std::vector<SocketAddress>& addresses) {
  std::vector<SocketAddress> first, other, mixed;
  for (const auto& address : addresses)
    (address.storage.ss_family == addresses.front().storage.ss_family ? first : other).push_back(address);
  for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < other.size()) mixed.push_back(other[i]);
  }
  return mixed;
}

// Several attempts at once, until one succeeds or all have failed. Each holds the race.
struct Race : std::enable_shared_from_this<Race> {
  Core& core;
  std::vector<SocketAddress> addresses;
  Steady deadline;
  std::size_t next = 0, running = 0;
  std::vector<Transport*> attempts;  // under way
  CallTimer stagger;
  bool over = false;
  std::string why = "there is no address";
  Later<Connected> outcome;

  Race(Core& c, std::vector<SocketAddress> a, Steady d) : core(c), addresses(std::move(a)), deadline(d) {}

  void finish(Connected connected) {
    if (std::exchange(over, true)) return;
    stagger.cancel();
    for (Transport* attempt : attempts) attempt->interrupt();
    outcome.set_here(std::move(connected));
  }

  void begin_next() {
    if (over) return;
    if (next == addresses.size()) {
      if (running == 0) finish({nullptr, why});
      return;
    }
    ++running;
    spawn(attempt(shared_from_this(), addresses[next++]));
    if (!over && next < addresses.size()) stagger.call(core.timers(), head_start, [this] { begin_next(); });
  }

  static Task<void> attempt(std::shared_ptr<Race> race, SocketAddress address) {
    auto begun = begin_connect(race->core, address);
    std::string why = begun ? std::string() : begun.failure().what;
    if (begun) {
      Transport* const transport = begun->get();
      race->attempts.push_back(transport);
      why = co_await transport->connected(std::chrono::ceil<Seconds>(race->deadline - race->core.now()));
      std::erase(race->attempts, transport);
    }
    --race->running;
    if (why.empty() && !race->over) {
      race->finish({std::move(*begun), {}});
      co_return;
    }
    if (!why.empty()) race->why = address.text() + ": " + why;
    // Interrupted by somebody else: the core is to come to an end.
    if (begun && (*begun)->was_given_up()) race->next = race->addresses.size();
    race->begin_next();
  }

  static Result<std::unique_ptr<Transport>> begin_connect(Core& core, const SocketAddress& address) {
    const int descriptor = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return Failure{std::strerror(errno)};
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 &&
        errno != EINPROGRESS) {
      Failure failed{std::strerror(errno)};
      ::close(descriptor);
      return failed;
    }
    return std::make_unique<Transport>(core, descriptor, address.host(), Admission{});
  }
};

}  // namespace

Task<Connected> connect_to(Core& core, std::vector<SocketAddress> addresses, Seconds patience) {
  if (addresses.empty()) co_return Connected{nullptr, "there is no address"};
  const auto race = std::make_shared<Race>(core, alternating(addresses), core.now() + patience);
  race->begin_next();
  co_return co_await race->outcome;
}

}  // namespace jackdaw
