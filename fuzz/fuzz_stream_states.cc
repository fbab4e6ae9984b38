// Any bytes sent to a whole server in each state of a stream. The first byte chooses the state, the rest is sent behind
// what leads there. The server answers with well-formed XML (expat says), closes soon after we hang up, and serves the
// next connection. Start reading at LLVMFuzzerTestOneInput().
// SPDX-License-Identifier: Apache-2.0
#include <expat.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "net/address.h"
#include "serve.h"
#include "stream/scram.h"

namespace jackdaw {
namespace {

constexpr int patience_ms = 10'000;  // sanitizers are slow; far above this the server hangs

void require(bool holds, std::string_view what, std::string_view heard = {}) {
  if (holds) return;
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(heard.size()),
               heard.data());
  std::abort();
}

Task<void> make_account(Store& store) {
  AccountRecord record{.jid = *BareJid::parse("romeo@localhost")};
  for (const Hash hash : all_hashes)
    record.keys[static_cast<std::size_t>(hash)] = derive_scram_keys(hash, "pencil", "sixteen bytes ..", 1);
  const auto created = co_await store.accounts().create(std::move(record), false);
  require(created.ok(), "no account");
}

// Ends with the process, before what it counts in does.
class FuzzedServer {
 public:
  FuzzedServer() {
    require(::mkdtemp(directory_) != nullptr, "no directory");
    ServeOptions options{.data_directory = directory_,
                         .command_line = {"domains=localhost", "listen.client=127.0.0.1:0",
                                          "listen.server=", "listen.tls=", "server.cores=2", "c2s.rate=0",
                                          "c2s.resume_time=1s", "auth.require_tls=false", "auth.plain_without_tls=true",
                                          "log.level=crashes", "s2s.unlisted=plain", "dns.servers=127.0.0.1@9"},
                         .store = make_memory_store()};
    auto started = RunningServer::start(std::move(options));
    if (!started) require(false, "not started", started.failure().what);
    running_ = std::move(*started);
    Store& store = *running_->server().store;
    running_->run_blocking([&store] { return make_account(store); });
  }
  ~FuzzedServer() {
    running_.reset();
    std::filesystem::remove_all(directory_);
  }
  std::string address() const { return running_->listening().front().address; }

 private:
  char directory_[40] = "/tmp/fuzz_stream_states_XXXXXX";  // for the certificate
  std::unique_ptr<RunningServer> running_;
};

int connect_to_server() {
  static const FuzzedServer server;
  static const SocketAddress address = parse_address(server.address())->front();
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0,
          "the server is gone");
  const linger at_once{.l_onoff = 1, .l_linger = 0};  // no port waits after the close
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  return fd;
}

class Connection {
 public:
  Connection() : fd_(connect_to_server()) {}
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;

  // The server may have closed already: then the rest is not sent. It may also wait until it is read.
  void say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto happened = await(POLLIN | POLLOUT, "the server does not read");
      if ((happened & POLLIN) && !receive()) return;
      if (!(happened & POLLOUT)) continue;
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // False: log-ins are slowed down, as inputs have guessed passwords before.
  bool expect(std::string_view answer) {
    const auto from = expected_to_;
    while (heard_.find(answer, from) == heard_.npos) {
      if (heard_.find("temporary-auth-failure", from) != heard_.npos) return false;
      await(POLLIN, "no answer");
      require(receive(), "closed without an answer", heard_);
    }
    expected_to_ = heard_.size();
    return true;
  }
  // All that was heard when the server has closed.
  std::string hang_up() {
    ::shutdown(fd_, SHUT_WR);
    for (;;) {
      await(POLLIN, "the server does not close");
      if (!receive()) return heard_;
    }
  }

 private:
  // What has happened, of `events`. The fuzzer's own alarm interrupts a poll: that is not the server's silence.
  short await(short events, std::string_view otherwise) {
    pollfd waiting{.fd = fd_, .events = events};
    int ready;
    do ready = ::poll(&waiting, 1, patience_ms);
    while (ready < 0 && errno == EINTR);
    require(ready == 1, otherwise, heard_);
    return waiting.revents;
  }
  bool receive() {
    char room[65536];
    const auto n = ::recv(fd_, room, sizeof room, 0);
    if (n <= 0) return false;
    heard_.append(room, static_cast<std::size_t>(n));
    return true;
  }
  const int fd_;
  std::string heard_;
  std::size_t expected_to_ = 0;
};

constexpr std::string_view header =
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>";

enum State {
  before_header,
  after_header,
  within_sasl,
  after_sasl,
  after_bind,
  with_stream_management,
  available,
  after_server_header,
  with_a_domain_unproven,
  states
};

constexpr std::string_view server_header =
    "<?xml version='1.0'?><stream:stream from='capulet.lan' to='localhost' version='1.0' xmlns='jabber:server' "
    "xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'>";

// No DNS answers: no domain is ever proven.
void reach_as_server(Connection& connection, int state) {
  connection.say(server_header);
  connection.expect("</stream:features>");
  if (state == after_server_header) return;
  connection.say("<db:verify from='capulet.lan' to='localhost' id='1'>x</db:verify>");
  connection.expect("type='invalid'");
}

void reach(Connection& connection, int state) {
  if (state == before_header) return;
  if (state >= after_server_header) return reach_as_server(connection, state);
  connection.say(header);
  connection.expect("</stream:features>");
  if (state == after_header) return;
  if (state == within_sasl) {
    connection.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>" +
                   to_base64("n,,n=juliet,r=fuzz") + "</auth>");
    connection.expect("</challenge>");
    return;
  }
  connection.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
                 to_base64(std::string_view{"\0romeo\0pencil", 13}) + "</auth>");
  if (!connection.expect("<success")) return;
  connection.say(header);
  connection.expect("</stream:features>");
  if (state == after_sasl) return;
  connection.say(
      "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>fuzz</resource></bind></iq>");
  connection.expect("</iq>");
  if (state == with_stream_management) {
    connection.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    connection.expect("<enabled");
  }
  if (state == available) connection.say("<presence><priority>1</priority></presence>");
}

// Each stream begins with an XML declaration; what comes behind <proceed/> is TLS.
void require_well_formed(std::string_view heard) {
  const auto proceed = heard.find("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  heard = heard.substr(0, proceed);
  while (!heard.empty()) {
    const auto end = std::min(heard.find("<?xml", 1), heard.size());
    const XML_Parser expat = XML_ParserCreateNS(nullptr, ' ');
    const auto status = XML_Parse(expat, heard.data(), static_cast<int>(end), 0);
    XML_ParserFree(expat);
    require(status == XML_STATUS_OK, "not well-formed", heard.substr(0, end));
    heard.remove_prefix(end);
  }
}

}  // namespace
}  // namespace jackdaw

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jackdaw;
  if (size == 0 || size > 65'536) return 0;
  Connection connection;
  reach(connection, data[0] % states);
  connection.say({reinterpret_cast<const char*>(data) + 1, size - 1});
  require_well_formed(connection.hang_up());
  return 0;
}
