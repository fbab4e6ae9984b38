// Limits of connections, and a listener that keeps them.
// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <gtest/gtest.h>

#include "net/test_cores.h"

namespace jackdaw {
namespace {

using namespace test;

TEST(Channels, HasALimitInAll) {
  const auto channels = std::make_shared<Channels>();
  channels->limit({.in_all = 2});
  auto one = channels->admit("192.0.2.1"), two = channels->admit("192.0.2.1");
  EXPECT_TRUE(one && two);
  EXPECT_FALSE(channels->admit("192.0.2.2"));
  EXPECT_EQ(channels->count(), 2);
  one.reset();
  EXPECT_EQ(channels->count(), 1);
  EXPECT_TRUE(channels->admit("192.0.2.2"));
}

TEST(Channels, HasALimitForEachAddressGroup) {
  const auto channels = std::make_shared<Channels>();
  channels->limit({.in_all = 100, .per_address = 1});
  auto one = channels->admit("2001:db8::1");
  EXPECT_TRUE(one);
  EXPECT_FALSE(channels->admit("2001:db8::2"));
  EXPECT_TRUE(channels->admit("2001:db8:0:1::2"));
  auto moved = std::move(one);
  EXPECT_FALSE(channels->admit("2001:db8::3"));
  moved.reset();
  EXPECT_TRUE(channels->admit("2001:db8::3"));
}

TEST(Channels, LowerLimitsLeaveThereWhoIsThere) {
  const auto channels = std::make_shared<Channels>();
  auto one = channels->admit("192.0.2.1"), two = channels->admit("192.0.2.1");
  channels->limit({.in_all = 1, .per_address = 1});
  EXPECT_EQ(channels->count(), 2);
  two.reset();
  EXPECT_FALSE(channels->admit("192.0.2.1"));
  one.reset();
  EXPECT_TRUE(channels->admit("192.0.2.1"));
}

TEST(Channels, OutliveTheirLastAdmission) {
  auto channels = std::make_shared<Channels>();
  auto admission = channels->admit("192.0.2.1");
  const std::weak_ptr<Channels> watched = channels;
  channels.reset();
  EXPECT_FALSE(watched.expired());
  admission.reset();
  EXPECT_TRUE(watched.expired());
}

int connect_to(const SocketAddress& address) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0, "nobody listens");
  return fd;
}

std::string last_words() { return "no more"; }

// A listener on 127.0.0.1, on a core of its own.
struct TestListener {
  explicit TestListener(Entrance entrance, ChannelLimits limits = {}) {
    channels->limit(limits);
    const auto socket = Listener::open_socket(address, Listener::First::yes);
    check(socket.ok(), "no address");
    ::getsockname(*socket, reinterpret_cast<sockaddr*>(&address.storage), &address.size);
    entrance.last_words = last_words;
    core.on([&] {
      listener = std::make_unique<Listener>(
          core.core, *socket, std::make_shared<const Entrance>(std::move(entrance)), channels,
          [this](auto transport, TlsMode) { accepted.push_back(std::move(transport)); });
    });
  }
  ~TestListener() {
    core.on([&] {
      accepted.clear();
      listener.reset();
    });
    for (const int fd : peers) ::close(fd);
  }

  int connect() {
    peers.push_back(connect_to(address));
    return peers.back();
  }
  // Whose connections there are, when there are `count` of them.
  std::vector<std::string> hosts(std::size_t count) {
    std::vector<std::string> found;
    for (int i = 0; i < 2000 && found.size() < count; ++i) {
      found.clear();
      core.on([&] {
        for (const auto& each : accepted) found.push_back(each->address());
      });
      ::usleep(1000);
    }
    return found;
  }

  SocketAddress address = parse_address("127.0.0.1:0")->front();
  std::shared_ptr<Channels> channels = std::make_shared<Channels>();
  TestCore core;
  std::vector<std::unique_ptr<Transport>> accepted;
  std::unique_ptr<Listener> listener;
  std::vector<int> peers;
};

// All that comes until the other side closes.
std::string read_all(int fd) {
  std::string all;
  char bytes[100];
  for (ssize_t n; (n = ::recv(fd, bytes, sizeof bytes, 0)) > 0;) all.append(bytes, static_cast<std::size_t>(n));
  return all;
}

Entrance entrance_of(Entrance::Rule rule, std::string_view list, bool proxied = false) {
  return {.rule = rule, .list = *AddressList::parse(list), .proxied = proxied};
}

TEST(Listener, AcceptsUpToTheLimitAndTellsTheRest) {
  TestListener test{{}, {.in_all = 2}};
  test.connect(), test.connect();
  EXPECT_EQ(read_all(test.connect()), "no more");
  EXPECT_EQ(test.hosts(2), (std::vector<std::string>{"127.0.0.1", "127.0.0.1"}));
  test.core.on([&] {
    EXPECT_EQ(test.core.core.transports().size(), 2U);
    test.accepted.clear();
    EXPECT_TRUE(test.core.core.transports().empty());
  });
  EXPECT_EQ(test.channels->count(), 0);
  test.connect();
  EXPECT_EQ(test.hosts(1).size(), 1U);
}

TEST(Listener, ClosesTheRestAtOnceWhereTlsComesFirst) {
  TestListener test{{.mode = TlsMode::at_once}, {.in_all = 0}};
  EXPECT_EQ(read_all(test.connect()), "");
}

TEST(Listener, KeepsChannelsForClients) {
  TestListener near{{}, {.in_all = 2, .reserved = 1, .clients = *AddressList::parse("127.0.0.1")}};
  near.connect(), near.connect();
  EXPECT_EQ(near.hosts(2).size(), 2U);
  TestListener far{{}, {.in_all = 2, .reserved = 1, .clients = *AddressList::parse("192.0.2.0/24")}};
  far.connect();
  EXPECT_EQ(read_all(far.connect()), "no more");
}

TEST(Listener, LetsInWhoIsOfTheList) {
  TestListener test{entrance_of(Entrance::Rule::allow, "127.0.0.0/8 !127.0.0.1")};
  EXPECT_EQ(read_all(test.connect()), "");
  test.core.on([&] {
    test.listener->change(std::make_shared<const Entrance>(entrance_of(Entrance::Rule::deny, "192.0.2.0/24")));
  });
  test.connect();
  EXPECT_EQ(test.hosts(1).size(), 1U);
  test.core.on(
      [&] { test.listener->change(std::make_shared<const Entrance>(entrance_of(Entrance::Rule::deny, "127.0.0.1"))); });
  EXPECT_EQ(read_all(test.connect()), "");
  EXPECT_EQ(test.channels->count(), 1);
}

TEST(Listener, BelievesAProxyAndLeavesTheRestUnread) {
  TestListener test{entrance_of(Entrance::Rule::allow, "127.0.0.1", true)};
  const int fd = test.connect();
  for (const std::string_view part : {"PRO", "XY TCP4 192.0.2.7 192.0.2.8 4", "0000 5222\r", "\n<stream"}) {
    ::send(fd, part.data(), part.size(), 0);
    test.core.turns();
  }
  ASSERT_EQ(test.hosts(1), std::vector<std::string>{"192.0.2.7"});
  std::promise<std::string> read;
  struct Read {
    static Task<void> some(Transport& transport, std::promise<std::string>& to) {
      const auto received = co_await transport.read(10s);
      to.set_value({received.bytes, received.size});
    }
  };
  test.core.on([&] { spawn(Read::some(*test.accepted.front(), read)); });
  EXPECT_EQ(read.get_future().get(), "<stream");
}

TEST(Listener, ClosesWhoDoesNotBeginAsAProxy) {
  TestListener test{entrance_of(Entrance::Rule::allow, "127.0.0.1", true)};
  const int fd = test.connect();
  ::send(fd, "<?xml", 5, 0);
  EXPECT_EQ(read_all(fd), "");
  const int gone = test.connect();
  ::send(gone, "PROXY", 5, 0);
  ::shutdown(gone, SHUT_WR);
  EXPECT_EQ(read_all(gone), "");
  const int itself = test.connect();
  ::send(itself, "PROXY UNKNOWN\r\n", 15, 0);
  EXPECT_EQ(test.hosts(1), std::vector<std::string>{"unknown"});
}

TEST(Listener, SaysWhereItCannotListen) {
  const auto refused = Listener::open_socket(parse_address("192.0.2.1:5222")->front(), Listener::First::yes);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.failure().what.find("192.0.2.1:5222"), std::string::npos);
}

}  // namespace
}  // namespace jackdaw
