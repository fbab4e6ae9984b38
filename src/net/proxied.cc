// SPDX-License-Identifier: Apache-2.0
#include "net/proxied.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "base/metrics.h"
#include "net/proxy_header.h"

namespace jackdaw {
namespace {

constexpr std::size_t most_waiting = 1000;  // on one socket of one core
constexpr auto header_time = 10s;

const Metric headers_wrong{"jackdaw_proxy_headers_refused",
                           "Connections closed because their proxy did not say whom it stands for."};

const Log& log() {
  static const Log made{"LISTENER"};
  return made;
}

}  // namespace

class ProxiedConnections::Waiting final : private Watched, private Timer {
 public:
  Waiting(ProxiedConnections& all, int descriptor, std::string proxy)
      : all_(all), descriptor_(descriptor), proxy_(std::move(proxy)) {
    all_.core_.watch(descriptor_, *this);
    set(all_.core_.timers(), header_time);
  }
  ~Waiting() override {
    all_.core_.unwatch(descriptor_, *this);
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  const std::string& proxy() const { return proxy_; }
  // The descriptor is somebody else's from now on.
  void release() {
    all_.core_.unwatch(descriptor_, *this);
    descriptor_ = -1;
  }

 private:
  // Looks at the bytes and leaves them there until the header is whole: what follows it is the connection's.
  void ready(std::uint32_t events) override {
    char bytes[longest_proxy_header];
    const auto size = ::recv(descriptor_, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return all_.drop(descriptor_, "it closed the connection");
    const auto header = read_proxy_header({bytes, static_cast<std::size_t>(size)});
    if (header.state == ProxyHeader::State::wrong) return all_.drop(descriptor_, "no header of the PROXY protocol");
    if (header.state == ProxyHeader::State::incomplete) {
      if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) all_.drop(descriptor_, "it closed the connection");
      return;
    }
    [[maybe_unused]] const auto taken = ::recv(descriptor_, bytes, header.size, MSG_DONTWAIT);
    all_.over(descriptor_, header.host);
  }
  void fires() override { all_.drop(descriptor_, "no header within 10 s"); }

  ProxiedConnections& all_;
  int descriptor_;
  std::string proxy_;
};

ProxiedConnections::ProxiedConnections(Core& core, Begins begins) : core_(core), begins_(std::move(begins)) {}
ProxiedConnections::~ProxiedConnections() = default;

bool ProxiedConnections::wait_for_header(int descriptor, const std::string& proxy) {
  if (waiting_.size() >= most_waiting) {
    ::close(descriptor);
    return false;
  }
  waiting_.emplace(descriptor, std::make_unique<Waiting>(*this, descriptor, proxy));
  return true;
}

void ProxiedConnections::over(int descriptor, const std::string& host) {
  const auto waiting = std::move(waiting_.extract(descriptor).mapped());
  waiting->release();
  // Somebody whom the proxy does not name is not on this machine for that.
  begins_(descriptor, host.empty() ? "unknown" : host);
}

void ProxiedConnections::drop(int descriptor, std::string_view why) {
  const auto waiting = std::move(waiting_.extract(descriptor).mapped());
  headers_wrong.add();
  log().problem("connection refused", {{"proxy", waiting->proxy()}, {"why", why}});
}

}  // namespace jackdaw
