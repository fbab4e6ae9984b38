// Any bytes sent to a whole server by a component, by another server behind its proof, and by one that was called. The
// first byte chooses the state, the rest is said behind what leads there, in parts: between them time may pass. Each
// input has a domain of its own, a literal address, at which this process answers as the domain's server; "capulet.lan"
// in an input stands for it. The server answers with well-formed XML, closes soon after we hang up, serves the next
// input, and delivers nothing in the name of a domain that was not proven. Start reading at LLVMFuzzerTestOneInput().
// SPDX-License-Identifier: Apache-2.0
#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/bytes.h"
#include "fuzzed_server.h"

namespace jackdaw::fuzz {
namespace {

constexpr std::string_view component_name = "echo.lan", secret = "sesame";

enum State {
  component_header,
  component,
  // A server that has connected to us.
  greeted,         // it has our features, and has proven nothing
  proven,          // its domain, by dialback
  proven_managed,  // it has turned stream management on
  proven_both_ways,
  lent,  // both ways, and our stanzas go there
  lent_managed,
  // A server that we have connected to.
  called,    // it has said nothing
  answered,  // it has sent its header
  offered_dialback,
  offered_management,
  offered_both_ways,
  sent,  // it has taken our proof, and has our stanzas
  sent_managed,
  sent_both_ways,
  sent_both_ways_managed,
  states
};

bool is_lent(int state) { return state == lent || state == lent_managed; }
bool was_sent(int state) { return state >= sent; }
bool goes_both_ways(int state) {
  return (state >= proven_both_ways && state <= lent_managed) || state == offered_both_ways ||
         state == sent_both_ways || state == sent_both_ways_managed;
}
bool is_managed(int state) {
  return state == proven_managed || state == lent_managed || state == offered_management || state == sent_managed ||
         state == sent_both_ways_managed;
}
// On a stream that we have opened the other server may say nothing but answers, unless it goes both ways; before its
// features are known the input may agree on that. Of one that it opens Neighbour knows whether the domain was proven.
bool may_send(int state) { return state == called || state == answered || (state > answered && goes_both_ways(state)); }

// romeo's client: knows who may send to him, and ends the process when somebody else does.
class Witness final : public Session, public std::enable_shared_from_this<Witness> {
 public:
  explicit Witness(Shard& home) : home_(home), jid_(*Jid::parse("romeo@localhost/fuzz")) {}

  // Any thread. Errors for what once went to a domain may come for a while.
  void allow(const std::string& domain) {
    std::lock_guard lock(mutex_);
    allowed_.insert(domain);
    in_order_.push_back(domain);
    if (in_order_.size() <= most_domains) return;
    allowed_.erase(in_order_.front());
    in_order_.pop_front();
  }

  const Jid& jid() const override { return jid_; }
  void deliver(StanzaRef stanza) override {
    const std::string domain{stanza->from().domainpart()};
    std::lock_guard lock(mutex_);
    require(domain == "localhost" || domain == component_name || allowed_.contains(domain),
            "in the name of a domain that was not proven", stanza->xml());
  }
  void deliver_kept(StanzaRef stanza) override { deliver(std::move(stanza)); }
  void confirm(std::function<void(Receipt)> told) override { told(Receipt::received); }
  void settled(std::uint32_t) override {}
  void end(StreamError) override {
    home_.core().later([self = shared_from_this()] { self->home_.router().detach(self, {}); });
  }
  SessionDescription describe() const override { return {.jid = jid_.text()}; }

  // On its home core.
  static Task<void> attach(std::shared_ptr<Witness> self, std::shared_ptr<std::promise<bool>> done) {
    Router& router = self->home_.router();
    const Attached attached = co_await router.attach(self, BindConflict::refuse, 1);
    router.broadcast(Stanza::make({Kind::presence, Type::available, self->jid_, {}}, "", ""), {});
    done->set_value(attached.outcome == Attached::Outcome::attached);
  }

 private:
  static constexpr std::size_t most_domains = 20'000;
  Shard& home_;
  const Jid jid_;
  std::mutex mutex_;
  std::unordered_set<std::string> allowed_;
  std::deque<std::string> in_order_;
};

struct World {
  HastyClock clock;
  Nameless dns;
  FuzzedServer server{{"dns.servers=" + dns.address(), "component.password=" + std::string(secret),
                       "s2s.unlisted=wherever_possible", "s2s.queue_age=5s", "s2s.idle_timeout=1s", "c2s.idle=1s"},
                      &clock};
  std::shared_ptr<Witness> witness = std::make_shared<Witness>(server.server().home("romeo@localhost"));

  World() {
    const auto done = std::make_shared<std::promise<bool>>();
    auto is_in = done->get_future();
    server.server().home("romeo@localhost").core().post([this, done] { spawn(Witness::attach(witness, done)); });
    require(is_in.get(), "romeo is not let in");
  }
};

// Of this machine, and as many letters each time. A domain that once was not reached is not tried at once again.
std::string fresh_domain() {
  static std::array<int, 3> parts{::getpid() % 155, 0, 0};
  for (int i = 2; i >= 0 && ++parts[static_cast<std::size_t>(i)] == 155; --i) parts[static_cast<std::size_t>(i)] = 0;
  std::string domain = "127";
  for (const int part : parts) domain += '.' + std::to_string(100 + part);
  return domain;
}

// The first of that name in `text`, as it is written.
std::string_view attribute(std::string_view text, std::string_view name) {
  const auto at = text.find(" " + std::string(name) + "='");
  if (at == text.npos) return {};
  text.remove_prefix(at + name.size() + 3);
  return text.substr(0, text.find('\''));
}

std::string header_of(const std::string& from) {
  return "<?xml version='1.0'?><stream:stream from='" + from +
         "' to='localhost' id='1' version='1.0' xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
         "xmlns:stream='http://etherx.jabber.org/streams'>";
}

std::string features_of(int state) {
  std::string out = "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>";
  if (is_managed(state)) out += "<sm xmlns='urn:xmpp:sm:3'/>";
  if (goes_both_ways(state)) out += "<bidi xmlns='urn:xmpp:features:bidi'/>";
  return out + "</stream:features>";
}

// The domain's server, as far as the input does not play it: takes our proof and what is sent, and knows the key "key".
class Neighbour final : public Bystander {
 public:
  Neighbour(const std::string& domain, World& world)
      : domain_(domain),
        world_(world),
        poll_(::epoll_create1(EPOLL_CLOEXEC)),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const SocketAddress address = parse_address(domain + ":5269")->front();
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    require(::bind(listener_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 &&
                ::listen(listener_, 8) == 0,
            "somebody listens on port 5269 here, also at", domain);
    watch(listener_);
    watch(world_.dns.fd());
  }
  ~Neighbour() {
    for (const auto& [fd, talk] : talks_) {
      require_well_formed(talk.heard);
      ::close(fd);
    }
    ::close(listener_);
    ::close(poll_);
  }

  int fd() const override { return poll_; }
  // The next connection, which the input then answers.
  int take_connection() {
    pollfd waiting{.fd = listener_, .events = POLLIN};
    await(&waiting, 1, "the server does not connect");
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    require(fd >= 0, "no connection");
    return fd;
  }
  void serve() override {
    epoll_event events[8];
    const int count = ::epoll_wait(poll_, events, 8, 0);
    for (int i = 0; i < count; ++i) {
      if (const int fd = events[i].data.fd; fd == listener_)
        take_further();
      else if (fd == world_.dns.fd())
        world_.dns.serve();
      else
        hear(fd);
    }
  }

 private:
  struct Talk {
    std::string heard;
    std::size_t answered_to = 0;
  };
  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
  }
  void take_further() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    talks_[fd];
    watch(fd);
  }
  void hear(int fd) {
    Talk& talk = talks_[fd];
    char room[16384];
    const auto n = ::recv(fd, room, sizeof room, 0);
    if (n > 0) {
      talk.heard.append(room, static_cast<std::size_t>(n));
      const std::string said = answer(talk);
      ::send(fd, said.data(), said.size(), MSG_NOSIGNAL);
      return;
    }
    require_well_formed(talk.heard);
    talks_.erase(fd);
    ::close(fd);
  }
  std::string answer(Talk& talk) const {
    std::string said;
    const std::string_view heard = talk.heard;
    if (const auto at = heard.find("' xml:lang='en' from="); talk.answered_to == 0 && at != heard.npos) {
      said = header_of(domain_) + features_of(offered_dialback);
      talk.answered_to = at;
    }
    for (std::size_t end; talk.answered_to > 0 && (end = heard.find("</db:", talk.answered_to)) != heard.npos;) {
      const auto at = heard.rfind("<db:", end);
      talk.answered_to = end + 1;
      if (at != heard.npos) said += answer_to(heard.substr(at, end - at));
    }
    return said;
  }
  // It speaks for no other domain than its own.
  std::string answer_to(std::string_view asked) const {
    const bool verify = asked.starts_with("<db:verify");
    std::string said{asked.substr(0, asked.find(' '))};
    said.append(" from='").append(attribute(asked, "to")).append("' to='").append(attribute(asked, "from"));
    if (verify) said.append("' id='").append(attribute(asked, "id"));
    const bool good = attribute(asked, "to") == domain_ && (!verify || asked.ends_with(">key"));
    if (verify && good) world_.witness->allow(domain_);
    return said + "' type='" + (good ? "valid" : "invalid") + "'/>";
  }

  const std::string domain_;
  World& world_;
  const int poll_, listener_;
  std::map<int, Talk> talks_;
};

// Two messages of our own to the domain.
void send_to(Server& server, const std::string& domain) {
  Shard& home = server.home_of_pair("localhost", domain);
  const Jid from = *Jid::parse("localhost"), to = *Jid::parse("juliet@" + domain);
  for (const auto* id : {"1", "2"}) {
    auto stanza = Stanza::make({Kind::message, Type::chat, from, to}, id, "<body>Hi</body>");
    home.core().post([&home, stanza = std::move(stanza)] { home.router().route(stanza); });
  }
}

void reach_as_component(Connection& connection, int state) {
  connection.say("<?xml version='1.0'?><stream:stream to='" + std::string(component_name) +
                 "' xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>");
  connection.expect("xml:lang='en'>");
  if (state == component_header) return;
  const std::string id{attribute(connection.heard(), "id")};
  connection.say("<handshake>" + to_hex(sha1(id + std::string(secret))) + "</handshake>");
  connection.expect("<handshake/>");
}

void reach_as_caller(Connection& connection, int state, Server& server, const std::string& domain) {
  connection.say(header_of(domain));
  connection.expect("</stream:features>");
  if (state == greeted) return;
  if (goes_both_ways(state)) connection.say("<bidi xmlns='urn:xmpp:bidi'/>");
  connection.say("<db:result from='" + domain + "' to='localhost'>key</db:result>");
  if (!connection.expect("type='valid'/>", "resource-constraint")) return;
  if (is_managed(state)) {
    connection.say("<enable xmlns='urn:xmpp:sm:3'/>");
    connection.expect("<enabled");
  }
  if (!is_lent(state)) return;
  send_to(server, domain);
  connection.expect("</message>");
}

void reach_as_called(Connection& connection, int state, const std::string& domain) {
  if (state == called) return;
  connection.expect("xml:lang='en'");
  connection.say(header_of(domain));
  if (state == answered) return;
  connection.say(features_of(state));
  connection.expect("</db:result>");
  if (!was_sent(state)) return;
  connection.say("<db:result from='" + domain + "' to='localhost' type='valid'/>");
  if (is_managed(state)) {
    connection.expect("<enable ");
    connection.say("<enabled xmlns='urn:xmpp:sm:3'/>");
  }
  if (state != sent_both_ways_managed) connection.expect("</message>");
}

// Until the cores have dealt with what has come so far, and with what has come of that.
void settle(Server& server, Neighbour& neighbour) {
  for (int round = 0; round < 4; ++round) {
    for (Shard* shard : server.shards) {
      const auto passed = std::make_shared<std::promise<void>>();
      const auto future = passed->get_future();
      shard->core().post([passed] { passed->set_value(); });
      future.wait();
    }
    neighbour.serve();
  }
}

std::string with_domain(std::string_view text, const std::string& domain) {
  constexpr std::string_view stands_for_it = "capulet.lan";
  std::string out;
  for (std::size_t at; (at = text.find(stands_for_it)) != text.npos; text.remove_prefix(at + stands_for_it.size()))
    out.append(text.substr(0, at)).append(domain);
  return out.append(text);
}

// At a NUL the server gets the time to answer; behind a 1 a second has passed, behind a 2 more than the minute in which
// a peer has to answer.
void say_in_parts(Connection& connection, std::string_view said, World& world, Neighbour& neighbour) {
  constexpr std::string_view marks{"\0\1\2", 3};
  constexpr Seconds times[] = {0s, 1s, 61s};
  constexpr int most_pauses = 8;
  for (int pauses = 0; !said.empty(); ++pauses) {
    const auto part = said.substr(0, said.find_first_of(marks));
    connection.say(part);
    if (part.size() == said.size()) return;
    const auto mark = static_cast<std::size_t>(said[part.size()]);
    said.remove_prefix(part.size() + 1);
    if (pauses >= most_pauses) continue;
    world.clock.pass(times[mark]);
    settle(world.server.server(), neighbour);
  }
}

}  // namespace
}  // namespace jackdaw::fuzz

extern "C" int LLVMFuzzerInitialize(int* count, char*** words) {
  return jackdaw::fuzz::search_for_leaks_at_the_end(count, words);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jackdaw::fuzz;
  if (size == 0 || size > 65'536) return 0;
  static World world;
  const int state = data[0] % states;
  const std::string domain = fresh_domain();
  if (may_send(state)) world.witness->allow(domain);
  Neighbour neighbour{domain, world};
  if (state >= called) send_to(world.server.server(), domain);
  Connection connection{state >= called ? neighbour.take_connection() : world.server.connect(domain), &neighbour};
  if (state <= component)
    reach_as_component(connection, state);
  else if (state < called)
    reach_as_caller(connection, state, world.server.server(), domain);
  else
    reach_as_called(connection, state, domain);
  const std::string_view said{reinterpret_cast<const char*>(data) + 1, size - 1};
  say_in_parts(connection, with_domain(said, domain), world, neighbour);
  require_well_formed(connection.hang_up());
  return 0;
}
