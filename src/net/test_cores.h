// For tests: cores on threads of their own, a clock that is moved by hand, and connected pairs of sockets.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "base/check.h"
#include "net/core.h"

namespace jackdaw::test {

class HandClock final : public Clock {
 public:
  Steady steady() const override { return Steady{std::chrono::seconds{1000}} + std::chrono::milliseconds{ahead_}; }
  void pass(std::chrono::milliseconds time) { ahead_ += time.count(); }

 private:
  std::atomic<std::int64_t> ahead_{0};
};

class TestCore {
 public:
  explicit TestCore(int number = 0, Clock& clock = system_clock())
      : core(number, clock), thread_([this] { core.run(); }) {}
  ~TestCore() { stop(); }
  // Nothing runs on it any more.
  void stop() {
    core.stop();
    if (thread_.joinable()) thread_.join();
  }
  // Calls `f` on the core and waits for it.
  void on(std::function<void()> f) {
    std::promise<void> done;
    core.post([&] {
      f();
      done.set_value();
    });
    done.get_future().get();
  }
  // So many turns begin and end; each reads the clock.
  void turns(int count = 5) {
    while (count-- > 0) on([] {});
  }

  Core core;

 private:
  std::thread thread_;
};

// Two ends that are connected. `ours` is for a Transport, which closes it; `peer` blocks and is closed here.
struct SocketPair {
  SocketPair() {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no socket pair");
    ours = ends[0];
    peer = ends[1];
    ::fcntl(ours, F_SETFL, O_NONBLOCK);
  }
  ~SocketPair() { hang_up(); }
  SocketPair(const SocketPair&) = delete;

  void hang_up() {
    if (peer >= 0) ::close(peer);
    peer = -1;
  }
  void say(std::string_view text) const {
    while (!text.empty()) {
      const auto n = ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
      check(n > 0, "the transport's end is closed");
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // At least `size` bytes, fewer when the other end closes or five seconds pass without any.
  std::string hear(std::size_t size) const {
    std::string text;
    char room[65536];
    while (text.size() < size) {
      pollfd waiting{.fd = peer, .events = POLLIN};
      if (::poll(&waiting, 1, 5000) != 1) break;
      const auto n = ::recv(peer, room, sizeof room, 0);
      if (n <= 0) break;
      text.append(room, static_cast<std::size_t>(n));
    }
    return text;
  }

  int ours = -1, peer = -1;
};

// Looks at `holds` until it does, at most five seconds.
inline bool becomes_true(const std::function<bool()>& holds) {
  for (int i = 0; i < 5000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return holds();
}

}  // namespace jackdaw::test
