// What a second core costs: processor time of the whole server for a delivered chat message, on one core and on two,
// with the users spread over them. The clients are this program's own thread, over loopback; its time does not count.
// Start reading at two_cores_against_one(), at the end of the file. SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "net/address.h"
#include "serve.h"
#include "stream/scram.h"

namespace jackdaw {
namespace {

constexpr int users = 64;
constexpr int under_way = 10;  // messages of each user
constexpr std::string_view body_end = "</message>";
constexpr std::string_view header =
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>";

std::string name_of(int user) { return "user" + std::to_string(user); }
// Where an account lives is decided by a hash: about half of the pairs have their partner on the other core.
int partner_of(int user) { return user ^ 1; }

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
// Of all threads but this one.
double server_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID) - seconds_of(CLOCK_THREAD_CPUTIME_ID); }

class Client {
 public:
  Client(const SocketAddress& address, int user)
      : fd_(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    check(::connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0, "no connection");
    const std::string proof = to_base64(std::string(1, '\0') + name_of(user) + std::string(1, '\0') + "pencil");
    ask(std::string(header), "</stream:features>");
    ask("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + proof + "</auth>", "<success");
    ask(std::string(header), "</stream:features>");
    ask("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>b</resource></bind></iq>",
        "</iq>");
    ask("<presence/><iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>", "id='p'");
    message_ = "<message type='chat' to='" + name_of(partner_of(user)) +
               "@localhost/b'><body>How is the weather where you are?</body></message>";
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  int fd() const { return fd_; }

  void send_messages(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += message_;
    check(::send(fd_, all.data(), all.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(all.size()), "not sent");
  }
  // How many messages have come, as far as one read gives them.
  int receive() {
    char room[65536];
    const ssize_t n = ::recv(fd_, room, sizeof room, MSG_DONTWAIT);
    check(n != 0, "the server has closed");
    if (n < 0) return 0;
    rest_.append(room, static_cast<std::size_t>(n));
    int found = 0;
    std::size_t at = 0;
    for (auto end = rest_.find(body_end); end != rest_.npos; end = rest_.find(body_end, at)) {
      at = end + body_end.size();
      ++found;
    }
    rest_.erase(0, at);
    return found;
  }

 private:
  void ask(const std::string& words, std::string_view answer) {
    check(::send(fd_, words.data(), words.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(words.size()), "not sent");
    std::string heard;
    char room[4096];
    while (heard.find(answer) == heard.npos) {
      const ssize_t n = ::recv(fd_, room, sizeof room, 0);
      check(n > 0, "the server has closed");
      heard.append(room, static_cast<std::size_t>(n));
    }
  }
  int fd_;
  std::string message_, rest_;
};

Task<void> make_accounts(Store& store) {
  for (int user = 0; user < users; ++user) {
    AccountRecord record{.jid = *BareJid::parse(name_of(user) + "@localhost")};
    for (const Hash hash : all_hashes)
      record.keys[static_cast<std::size_t>(hash)] = derive_scram_keys(hash, "pencil", "sixteen bytes ..", 1);
    check((co_await store.accounts().create(std::move(record), false)).ok(), "no account");
  }
}

// A server with so many cores, and everybody logged in.
class Chat {
 public:
  explicit Chat(int cores) : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    check(::mkdtemp(directory_) != nullptr, "no directory");
    ServeOptions options{.data_directory = directory_,
                         .command_line = {"domains=localhost", "listen.client=127.0.0.1:0",
                                          "listen.server=", "listen.tls=", "server.cores=" + std::to_string(cores),
                                          "c2s.rate=0", "auth.require_tls=false", "auth.plain_without_tls=true",
                                          "listen.channels_per_address=0", "log.level=crashes"},
                         .store = make_memory_store()};
    auto started = RunningServer::start(std::move(options));
    check(started.ok(), "not started");
    server_ = std::move(*started);
    Store& store = *server_->server().store;
    server_->run_blocking([&store] { return make_accounts(store); });
    const auto address = parse_address(server_->listening().front().address)->front();
    for (int user = 0; user < users; ++user) {
      clients_.push_back(std::make_unique<Client>(address, user));
      epoll_event event{.events = EPOLLIN, .data = {.ptr = clients_.back().get()}};
      check(epoll_ctl(epoll_, EPOLL_CTL_ADD, clients_.back()->fd(), &event) == 0, "epoll refuses");
    }
    deliver(20'000);  // warm
  }
  ~Chat() {
    clients_.clear();
    server_.reset();
    ::close(epoll_);
    std::filesystem::remove_all(directory_);
  }

  // Microseconds of the server for each of `count` messages and those still under way then. Nothing is left behind.
  double deliver(int count) {
    const double before = server_seconds();
    int delivered = 0, left = users * under_way;
    for (const auto& client : clients_) client->send_messages(under_way);
    epoll_event events[users];
    while (left > 0) {
      const int n = epoll_wait(epoll_, events, users, 10'000);
      check(n > 0, "no message came");
      for (int i = 0; i < n; ++i) {
        auto* client = static_cast<Client*>(events[i].data.ptr);
        const int found = client->receive();
        delivered += found;
        if (delivered < count && found > 0)
          client->send_messages(found);
        else
          left -= found;
      }
    }
    return 1e6 * (server_seconds() - before) / delivered;
  }

 private:
  char directory_[32] = "/tmp/cores_bench_XXXXXX";  // for the certificate
  std::unique_ptr<RunningServer> server_;
  std::vector<std::unique_ptr<Client>> clients_;
  int epoll_;
};

// In turn, so that what disturbs the machine disturbs both.
void two_cores_against_one(benchmark::State& state) {
  Chat one{1}, two{2};
  double of_one = 0, of_two = 0;
  for (auto _ : state) {
    of_one += one.deliver(20'000);
    const double now = two.deliver(20'000);
    of_two += now;
    state.SetIterationTime(now * 20'000 / 1e6);
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["us_a_message_one_core"] = of_one / rounds;
  state.counters["us_a_message_two_cores"] = of_two / rounds;
  state.counters["ratio"] = of_two / of_one;
}
BENCHMARK(two_cores_against_one)->UseManualTime()->Unit(benchmark::kMillisecond)->MinTime(2);

}  // namespace
}  // namespace jackdaw
