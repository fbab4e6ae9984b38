// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/metrics.h"

namespace jackdaw {
namespace {

const Metric connections_accepted{"jackdaw_connections_accepted", "Connections accepted."};
const Metric connections_refused{"jackdaw_connections_refused", "Connections refused because a limit was reached."};
const Metric connections_denied{"jackdaw_connections_denied",
                                "Connections refused because of the address list of their socket."};
const Metric accept_pauses{"jackdaw_accept_pauses", "Times accepting paused because no descriptors were left."};

constexpr int accepts_per_turn = 256;       // then others have their turn
constexpr int descriptors_in_reserve = 32;  // for the store, certificates and the administrator

const Log& log() {
  static const Log made{"LISTENER"};
  return made;
}

std::int64_t descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::int64_t>(limit.rlim_cur);
}

}  // namespace

std::int64_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return descriptor_limit();
}

namespace {

enum class Shared { yes, no };

// A bound socket, or why there is none.
Result<int> bound_socket(const SocketAddress& address, Shared shared) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  bool good = fd >= 0;
  if (good) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared == Shared::yes) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address.storage.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    good =
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 && ::listen(fd, 4096) == 0;
  }
  if (good) return fd;
  const std::string why = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return Failure{"cannot listen on " + address.text() + ": " + why};
}

}  // namespace

// SO_REUSEPORT would let a second server share the address unnoticed: the first socket of this one asks without it.
Result<int> Listener::open_socket(const SocketAddress& address, First first) {
  if (first == First::yes && address.port() != 0) {
    const auto probe = bound_socket(address, Shared::no);
    if (!probe) return probe.failure();
    ::close(*probe);
  }
  return bound_socket(address, Shared::yes);
}

Listener::Listener(Core& core, int descriptor, std::shared_ptr<const Entrance> entrance,
                   std::shared_ptr<Channels> channels, Accepted accepted)
    : core_(core),
      descriptor_(descriptor),
      entrance_(std::move(entrance)),
      channels_(std::move(channels)),
      accepted_(std::move(accepted)) {
  core.watch(descriptor, *this);
}

Listener::~Listener() {
  core_.unwatch(descriptor_, *this);
  ::close(descriptor_);
}

void Listener::ready(std::uint32_t) {
  for (int i = 0; i < accepts_per_turn; ++i)
    if (!accept_one()) return;
  set(core_.timers(), 0s);
}

void Listener::fires() { ready(0); }

bool Listener::accept_one() {
  SocketAddress peer;
  peer.size = sizeof peer.storage;
  if (core_.faults() && core_.faults()->strikes()) return pause(EMFILE), false;
  const int fd =
      ::accept4(descriptor_, reinterpret_cast<sockaddr*>(&peer.storage), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause(errno);
    return errno == ECONNABORTED || errno == EINTR;
  }
  if (fd >= descriptor_limit() - descriptors_in_reserve) {
    ::close(fd);
    pause(EMFILE);
    return false;
  }
  const std::string host = peer.host();
  if (!entrance_->admits(host)) {
    connections_denied.add();
    complain(host, "its address may not come in here");
    ::close(fd);
  } else if (!entrance_->proxied) {
    let_in(fd, host);
  } else if (!proxied_.wait_for_header(fd, host)) {
    connections_refused.add();
    complain(host, "too many connections of proxies begin at once");
  }
  return true;
}

// `host`: whose connection it is, also behind a proxy.
void Listener::let_in(int descriptor, const std::string& host) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (Admission admission = channels_->admit(host)) {
    connections_accepted.add();
    accepted_(std::make_unique<Transport>(core_, descriptor, host, std::move(admission)), entrance_->mode);
    return;
  }
  connections_refused.add();
  complain(host, "too many connections");
  if (entrance_->mode == TlsMode::at_once || !entrance_->last_words)
    ::close(descriptor);
  else
    refused_connections_.tell(descriptor, entrance_->last_words());
}

// One line a minute: who is turned away comes again.
void Listener::complain(const std::string& host, std::string_view why) {
  ++refused_;
  if (core_.now() - last_complaint_ <= 60s) return;
  last_complaint_ = core_.now();
  log().problem("connection refused", {{"address", host}, {"why", why}, {"refused", refused_}});
}

// The edge is used up, so a timer looks again: no spinning on a socket that stays readable.
void Listener::pause(int why) {
  accept_pauses.add();
  if (channels_->pause_is_news(core_.now()))
    log().failure("accepting pauses", {{"why", std::strerror(why)},
                                       {"limit", descriptor_limit()},
                                       {"do", "raise the limit of open files (LimitNOFILE)"}});
  set(core_.timers(), 1s);
}

}  // namespace jackdaw
