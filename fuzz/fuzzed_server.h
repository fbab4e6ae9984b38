// A whole server in the process of a fuzz target, connections to it, and what each answer of it must be: well-formed
// XML (expat says). What leads to the state that is attacked is the target's.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <expat.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/address.h"
#include "serve.h"
#include "stream/scram.h"

namespace jackdaw::fuzz {

constexpr int patience_ms = 10'000;  // sanitizers are slow; far above this the server hangs

inline void require(bool holds, std::string_view what, std::string_view heard = {}) {
  if (holds) return;
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(heard.size()),
               heard.data());
  std::abort();
}

// What happened of `events`. The fuzzer's own alarm interrupts a poll: that is not the server's silence.
inline void await(pollfd* first, nfds_t count, std::string_view otherwise, std::string_view heard = {}) {
  int ready;
  do ready = ::poll(first, count, patience_ms);
  while (ready < 0 && errno == EINTR);
  require(ready > 0, otherwise, heard);
}

inline Task<void> make_account(Store& store) {
  AccountRecord record{.jid = *BareJid::parse("romeo@localhost")};
  for (const Hash hash : all_hashes)
    record.keys[static_cast<std::size_t>(hash)] = derive_scram_keys(hash, "pencil", "sixteen bytes ..", 1);
  const auto created = co_await store.accounts().create(std::move(record), false);
  require(created.ok(), "no account");
}

// Deadlines pass when an input says so.
class HastyClock final : public Clock {
 public:
  Steady steady() const override { return Clock::steady() + Seconds{ahead_}; }
  void pass(Seconds time) { ahead_ += time.count(); }

 private:
  std::atomic<Seconds::rep> ahead_{0};
};

// A DNS server that knows no name (RFC 1035 §4.1.1): who proves a domain of that kind does not wait for long.
class Nameless {
 public:
  Nameless() {
    const SocketAddress any = parse_address("127.0.0.1:0")->front();
    require(::bind(fd_, reinterpret_cast<const sockaddr*>(&any.storage), any.size) == 0, "no DNS server");
    SocketAddress own;
    own.size = sizeof own.storage;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own.storage), &own.size);
    address_ = "127.0.0.1@" + std::to_string(own.port());
  }
  ~Nameless() { ::close(fd_); }
  Nameless(const Nameless&) = delete;
  const std::string& address() const { return address_; }
  int fd() const { return fd_; }
  void serve() const {
    char room[1500];
    SocketAddress whom;
    for (;;) {
      whom.size = sizeof whom.storage;
      const auto n = ::recvfrom(fd_, room, sizeof room, 0, reinterpret_cast<sockaddr*>(&whom.storage), &whom.size);
      if (n < 4) return;
      room[2] = static_cast<char>(room[2] | 0x80);
      room[3] = static_cast<char>(0x83);
      ::sendto(fd_, room, static_cast<std::size_t>(n), 0, reinterpret_cast<sockaddr*>(&whom.storage), whom.size);
    }
  }

 private:
  const int fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  std::string address_;
};

// Serves localhost, where romeo is. Ends with the process, before what it counts in does.
class FuzzedServer {
 public:
  explicit FuzzedServer(std::vector<std::string> settings, Clock* clock = &system_clock()) {
    require(::mkdtemp(directory_) != nullptr, "no directory");
    for (const auto* setting : {"domains=localhost", "listen.client=127.0.0.1:0",
                                "listen.server=", "listen.tls=", "server.cores=2", "log.level=crashes"})
      settings.emplace_back(setting);
    ServeOptions options{.data_directory = directory_,
                         .command_line = std::move(settings),
                         .store = make_memory_store(),
                         .clock = clock};
    auto started = RunningServer::start(std::move(options));
    if (!started) require(false, "not started", started.failure().what);
    running_ = std::move(*started);
    Store& store = *server().store;
    running_->run_blocking([&store] { return make_account(store); });
  }
  ~FuzzedServer() {
    running_.reset();
    std::filesystem::remove_all(directory_);
  }
  FuzzedServer(const FuzzedServer&) = delete;

  Server& server() const { return running_->server(); }
  // A connected socket. `from`: the address that the server sees; empty: any.
  int connect(const std::string& from = {}) const {
    static const SocketAddress address = parse_address(running_->listening().front().address)->front();
    const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0, "no socket");
    if (!from.empty()) {
      const SocketAddress own = parse_address(from + ":0")->front();
      require(::bind(fd, reinterpret_cast<const sockaddr*>(&own.storage), own.size) == 0, "no such address", from);
    }
    int failed;
    do failed = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
    while (failed && errno == EINTR);
    require(!failed || errno == EISCONN, "the server is gone", std::strerror(errno));
    return fd;
  }

 private:
  char directory_[40] = "/tmp/fuzz_server_XXXXXX";  // for the certificate
  std::unique_ptr<RunningServer> running_;
};

// Whoever else the server speaks with while a connection waits for it.
class Bystander {
 public:
  virtual int fd() const = 0;  // to be read when serve() has something to do
  virtual void serve() = 0;

 protected:
  ~Bystander() = default;
};

class Connection {
 public:
  explicit Connection(int fd, Bystander* bystander = nullptr) : fd_(fd), bystander_(bystander) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};  // no port waits after the close
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;

  // The server may have closed already: then the rest is not sent. It may also wait until it is read.
  void say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto happened = await_own(POLLIN | POLLOUT, "the server does not read");
      if ((happened & POLLIN) && !receive()) return;
      if (!(happened & POLLOUT)) continue;
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // False: inputs before have asked for too much, and the server says `refusal` for a while.
  bool expect(std::string_view answer, std::string_view refusal = {}) {
    const auto from = expected_to_;
    while (heard_.find(answer, from) == heard_.npos) {
      if (!refusal.empty() && heard_.find(refusal, from) != heard_.npos) return false;
      await_own(POLLIN, "no answer");
      require(receive(), "closed without an answer", heard_);
    }
    expected_to_ = heard_.size();
    return true;
  }
  const std::string& heard() const { return heard_; }
  // All that was heard when the server has closed.
  std::string hang_up() {
    ::shutdown(fd_, SHUT_WR);
    for (;;) {
      await_own(POLLIN, "the server does not close");
      if (!receive()) return heard_;
    }
  }

 private:
  // What has happened of `events`; the bystander is served meanwhile.
  short await_own(short events, std::string_view otherwise) {
    for (;;) {
      pollfd waiting[2] = {{.fd = fd_, .events = events}, {.fd = bystander_ ? bystander_->fd() : -1, .events = POLLIN}};
      await(waiting, 2, otherwise, heard_);
      if (waiting[1].revents) bystander_->serve();
      if (waiting[0].revents) return waiting[0].revents;
    }
  }
  bool receive() {
    char room[65536];
    const auto n = ::recv(fd_, room, sizeof room, 0);
    if (n <= 0) return false;
    heard_.append(room, static_cast<std::size_t>(n));
    return true;
  }
  const int fd_;
  Bystander* const bystander_;
  std::string heard_;
  std::size_t expected_to_ = 0;
};

// Each stream begins with an XML declaration; what comes behind the agreement on TLS is TLS.
inline void require_well_formed(std::string_view heard) {
  for (const auto* agreed :
       {"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"})
    heard = heard.substr(0, heard.find(agreed));
  while (!heard.empty()) {
    const auto end = std::min(heard.find("<?xml", 1), heard.size());
    // Names of namespaces with the separator in them are refused by expat: it is one that no document can have.
    const XML_Parser expat = XML_ParserCreateNS(nullptr, '\1');
    const auto status = XML_Parse(expat, heard.data(), static_cast<int>(end), 0);
    XML_ParserFree(expat);
    require(status == XML_STATUS_OK, "not well-formed", heard.substr(0, end));
    heard.remove_prefix(end);
  }
}

// For LLVMFuzzerInitialize(). A server keeps something of most inputs, so that a search for leaks after each would take
// most of the time: there is one at the end. What the caller says of it comes behind and counts.
inline int search_for_leaks_at_the_end(int* count, char*** words) {
  static char setting[] = "-detect_leaks=0";
  static std::vector<char*> all(*words, *words + *count);
  all.insert(all.begin() + 1, setting);
  *count = static_cast<int>(all.size());
  all.push_back(nullptr);
  *words = all.data();
  return 0;
}

}  // namespace jackdaw::fuzz
