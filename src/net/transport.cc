// SPDX-License-Identifier: Apache-2.0
#include "net/transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace jackdaw {
namespace {

constexpr std::size_t most_unsent_answers = 256 * 1024;
constexpr std::size_t most_thrown_away = 1024 * 1024;  // of a peer that talks on after our goodbye
constexpr auto longest_goodbye = 2s;

}  // namespace

// Suspends the reader until ready(), a timer or interrupt() wakes it.
struct Transport::Wait {
  Transport& transport;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { transport.waiting_ = waiting; }
  void await_resume() const noexcept {}
};

Transport::Transport(Core& core, int descriptor, std::string address, Admission admission)
    : core_(&core), descriptor_(descriptor), address_(std::move(address)), admission_(std::move(admission)) {
  core.watch(descriptor, *this);
  core.enlist(*this);
}

Transport::~Transport() { abandon(); }

void Transport::abandon() {
  cancel();
  if (descriptor_ < 0) return;
  if (core_) {
    core_->unwatch(descriptor_, *this);
    core_->strike_off(*this);
  }
  ::close(descriptor_);
  descriptor_ = -1;
  failed_ = true;
  admission_.reset();
}

void Transport::leave() {
  cancel();
  core_->unwatch(descriptor_, *this);
  core_->strike_off(*this);
  alive_.reset();  // jobs that wait here are not for the next core
  yielded_ = false;
  core_ = nullptr;
}

void Transport::arrive(Core& core) {
  core_ = &core;
  readable_ = true;  // edges that came in between are lost: look once
  core.watch(descriptor_, *this);
  core.enlist(*this);
}

// Called for an edge. The reader is resumed here, at the top of the core's turn, where nothing else is on the stack.
void Transport::ready(std::uint32_t events) {
  if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) hung_up_ = true;
  if (connecting_ && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) return wake();
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR) && unsent() > 0) {
    send_kept();
    if (unsent() == 0) tell_drain_watcher();
    if (unsent() == 0 && draining_)
      core_->later([this, alive = alive()] {
        if (!alive.expired()) wake();
      });
  }
  if (readable_ && waiting_) std::exchange(waiting_, nullptr).resume();
}

// For jobs that may run when we are gone, or on another core. Most connections never need it.
std::weak_ptr<void> Transport::alive() {
  if (!alive_) alive_ = std::make_shared<char>();
  return alive_;
}

void Transport::tell_drain_watcher() {
  if (!drain_watcher_) return;
  core_->later([this, alive = alive()] {
    if (alive.expired() || !drain_watcher_ || (unsent() > 0 && !failed_)) return;
    std::exchange(drain_watcher_, nullptr)->drained();
  });
}

void Transport::wake() {
  if (waiting_) core_->resume_soon(std::exchange(waiting_, nullptr));
}

void Transport::fires() {
  silent_ = true;
  wake();
}

void Transport::break_off() { fail(); }

void Transport::find_silent_death(Seconds unanswered) {
  const int on = 1, idle = 30, between = 10, probes = 3;  // seconds
  const auto longest = static_cast<unsigned>(std::chrono::milliseconds(unanswered).count());
  setsockopt(descriptor_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
  setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(descriptor_, IPPROTO_TCP, TCP_USER_TIMEOUT, &longest, sizeof longest);
}

void Transport::interrupt() {
  interrupted_ = true;
  wake();
}

void Transport::fail() {
  failed_ = true;
  readable_ = true;
  kept_.clear();
  kept_at_ = 0;
  tell_drain_watcher();
  wake();
}

ssize_t Transport::receive_bytes(char* to, std::size_t size) {
  if (core_->faults() && core_->faults()->strikes()) {
    errno = ECONNRESET;
    return -1;
  }
  ssize_t n;
  do n = ::recv(descriptor_, to, size, 0);
  while (n < 0 && errno == EINTR);
  // A short read has emptied the socket: the next bytes make a new edge.
  if (n >= 0 && static_cast<std::size_t>(n) < size && !hung_up_) readable_ = false;
  if (n < 0 && errno == EAGAIN) readable_ = false;
  return n;
}

Received Transport::give(std::size_t size) {
  char* bytes = core_->read_buffer();
  memset(bytes + size, 0, 16);
  return {Wake::data, bytes, size};
}

std::optional<Received> Transport::try_read() {
  constexpr std::size_t room = Core::buffer_size;
  char* buffer = core_->read_buffer();
  if (failed_) return Received{Wake::closed};
  if (!tls_more_ || !tls_) {
    if (!readable_) return std::nullopt;
    char encrypted[tls_record_room];
    const bool plain = !tls_;
    const ssize_t n = plain ? receive_bytes(buffer, room) : receive_bytes(encrypted, sizeof encrypted);
    if (n == 0) return Received{Wake::closed};
    if (n < 0) return errno == EAGAIN ? std::nullopt : std::optional(Received{Wake::closed});
    if (plain) return give(static_cast<std::size_t>(n));
    tls_->lend({encrypted, static_cast<std::size_t>(n)});
    return read_tls(buffer, room);
  }
  return read_tls(buffer, room);
}

// All encrypted bytes are taken in one go, as the buffer for plain ones is larger.
std::optional<Received> Transport::read_tls(char* buffer, std::size_t room) {
  std::string out;
  if (!tls_early_.empty()) tls_->lend(tls_early_);
  const int n = tls_->read(buffer, room, out);
  tls_->lend({});
  tls_early_ = {};
  if (!out.empty()) write_encrypted(out);
  // What TLS itself has to say to a peer that does not read is bounded, too.
  if (unsent() > most_unsent_answers) {
    fail();
    return Received{Wake::closed};
  }
  if (n < 0) return Received{Wake::closed};
  tls_more_ = static_cast<std::size_t>(n) == room;
  if (n == 0) return std::nullopt;
  return give(static_cast<std::size_t>(n));
}

Task<Received> Transport::read(Seconds patience) {
  silent_ = false;
  set(core_->timers(), patience);
  for (;;) {
    if (std::exchange(interrupted_, false)) co_return Received{Wake::interrupted};
    // One chunk a turn: whoever sends without end does not keep others waiting.
    if (turn_of_last_read_ == core_->turn() && (readable_ || tls_more_)) {
      yielded_ = true;
      core_->later([this, alive = alive()] {
        if (!alive.expired() && std::exchange(yielded_, false)) wake();
      });
      co_await Wait{*this};
      yielded_ = false;
      continue;
    }
    const bool touched = readable_ || tls_more_;
    const auto received = try_read();
    if (touched) turn_of_last_read_ = core_->turn();
    if (received) co_return *received;
    if (silent_) co_return Received{Wake::silent};
    if (readable_ || tls_more_) continue;
    co_await Wait{*this};
  }
}

bool Transport::send_now(std::string_view bytes, std::size_t& taken) {
  taken = 0;
  while (taken < bytes.size()) {
    if (core_->faults() && core_->faults()->strikes()) return false;
    const ssize_t n = ::send(descriptor_, bytes.data() + taken, bytes.size() - taken, MSG_NOSIGNAL);
    if (n >= 0) {
      taken += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      return true;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool Transport::send_kept() {
  std::size_t taken = 0;
  if (!send_now(std::string_view{kept_}.substr(kept_at_), taken)) {
    fail();
    return false;
  }
  kept_at_ += taken;
  if (kept_at_ == kept_.size()) {
    kept_ = {};
    kept_at_ = 0;
  }
  return true;
}

bool Transport::write_encrypted(std::string_view bytes) {
  if (failed_) return false;
  std::size_t taken = 0;
  if (unsent() == 0 && !send_now(bytes, taken)) {
    fail();
    return false;
  }
  if (taken == bytes.size()) return true;
  if (kept_at_ > 0) {
    kept_.erase(0, kept_at_);
    kept_at_ = 0;
  }
  kept_.append(bytes.substr(taken));
  return true;
}

bool Transport::write(std::string_view bytes) {
  if (failed_ || descriptor_ < 0) return false;
  if (!tls_) return write_encrypted(bytes);
  std::string& out = core_->encrypt_buffer();
  out.clear();
  if (!tls_->write(bytes, out)) {
    fail();
    return false;
  }
  return write_encrypted(out);
}

Task<void> Transport::rest(Seconds time) {
  const Steady until = core_->now() + time;
  while (!failed_ && !interrupted_ && core_->now() < until) {
    silent_ = false;
    set(core_->timers(), std::chrono::ceil<Seconds>(until - core_->now()));
    co_await Wait{*this};
  }
}

Task<bool> Transport::drained(Seconds patience) {
  const Steady until = core_->now() + patience;
  while (unsent() > 0 && !failed_) {
    if (interrupted_) co_return false;
    const auto left = std::chrono::ceil<Seconds>(until - core_->now());
    if (left <= 0s) co_return false;
    silent_ = false;
    set(core_->timers(), left);
    draining_ = true;
    co_await Wait{*this};
    draining_ = false;
  }
  co_return !failed_;
}

// One read of the socket and one step of the handshake.
TlsState::Step Transport::handshake_step() {
  char encrypted[tls_record_room];
  const ssize_t n = receive_bytes(encrypted, sizeof encrypted);
  if (n < 0 && errno == EAGAIN) return TlsState::Step::more;
  if (n <= 0) return TlsState::Step::failed;
  tls_->lend({encrypted, static_cast<std::size_t>(n)});
  std::string out;
  const auto step = tls_->handshake(out);
  if (!out.empty()) write_encrypted(out);
  // What came behind the handshake in the same bytes is the first of the stream.
  if (step == TlsState::Step::done) {
    tls_early_.assign(tls_->rest());
    tls_more_ = true;
  }
  tls_->lend({});
  return step;
}

Task<bool> Transport::start_tls(SSL_CTX* context, const TlsChooser& chooser, Seconds patience) {
  tls_ = std::make_unique<TlsState>(context, chooser);
  return shake_hands(patience);
}

Task<bool> Transport::start_tls_to(SSL_CTX* context, const std::string& server_name, std::string_view alpn,
                                   const Dane& dane, Seconds patience) {
  tls_ = std::make_unique<TlsState>(context, server_name, alpn, dane);
  std::string out;
  tls_->handshake(out);
  write_encrypted(out);
  return shake_hands(patience);
}

Task<std::string> Transport::connected(Seconds patience) {
  connecting_ = true;
  silent_ = false;
  readable_ = false;
  set(core_->timers(), patience);
  co_await Wait{*this};
  connecting_ = false;
  if (silent_) co_return "no answer";
  if (interrupted_) co_return "given up";
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  readable_ = true;
  co_return error == 0 ? std::string() : std::string(std::strerror(error));
}

Task<bool> Transport::shake_hands(Seconds patience) {
  const Steady until = core_->now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<Seconds>(until - core_->now());
    if (left <= 0s || failed_) co_return false;
    if (readable_) {
      const auto step = handshake_step();
      if (step != TlsState::Step::more) co_return step == TlsState::Step::done;
      continue;
    }
    silent_ = false;
    set(core_->timers(), left);
    co_await Wait{*this};
    if (silent_ || interrupted_) co_return false;
  }
}

Task<void> Transport::close(Seconds patience) {
  if (failed_ || descriptor_ < 0) {
    abandon();
    co_return;
  }
  if (tls_) {
    std::string out;
    tls_->shutdown(out);
    write_encrypted(out);
  }
  const bool said_all = co_await drained(patience);
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_WR);
  if (said_all) co_await wait_for_goodbye();
  abandon();
}

// Reads and forgets. How many bytes there were; negative: none now; 0: the peer has closed.
ssize_t Transport::throw_away() {
  char bytes[16384];
  const ssize_t n = receive_bytes(bytes, sizeof bytes);
  return n < 0 && errno != EAGAIN ? 0 : n;
}

Task<void> Transport::wait_for_goodbye() {
  std::size_t left = most_thrown_away;
  silent_ = false;
  set(core_->timers(), longest_goodbye);
  while (!failed_ && !silent_ && left > 0) {
    if (!readable_) {
      co_await Wait{*this};
      continue;
    }
    const ssize_t n = throw_away();
    if (n == 0) co_return;
    if (n > 0) left -= std::min(left, static_cast<std::size_t>(n));
  }
}

}  // namespace jackdaw
