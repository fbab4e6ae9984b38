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
  channels->limit(2, 0);
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
  channels->limit(100, 1);
  auto one = channels->admit("2001:db8::1");
  EXPECT_TRUE(one);
  EXPECT_FALSE(channels->admit("2001:db8::2"));
  EXPECT_TRUE(channels->admit("2001:db8:0:1::2"));
  auto moved = std::move(one);
  one.reset();
  EXPECT_FALSE(channels->admit("2001:db8::3"));
  moved.reset();
  EXPECT_TRUE(channels->admit("2001:db8::3"));
}

TEST(Channels, LowerLimitsLeaveThereWhoIsThere) {
  const auto channels = std::make_shared<Channels>();
  auto one = channels->admit("192.0.2.1"), two = channels->admit("192.0.2.1");
  channels->limit(1, 1);
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

TEST(Listener, AcceptsUpToTheLimitAndClosesTheRest) {
  auto address = parse_address("127.0.0.1:0")->front();
  const auto socket = Listener::open_socket(address, Listener::First::yes);
  ASSERT_TRUE(socket.ok());
  ::getsockname(*socket, reinterpret_cast<sockaddr*>(&address.storage), &address.size);
  const auto channels = std::make_shared<Channels>();
  channels->limit(2, 0);

  TestCore core;
  std::vector<std::unique_ptr<Transport>> accepted;
  std::unique_ptr<Listener> listener;
  core.on([&] {
    listener = std::make_unique<Listener>(core.core, *socket, TlsMode::starttls, channels,
                                          [&](auto transport, TlsMode) { accepted.push_back(std::move(transport)); });
  });
  const int first = connect_to(address), second = connect_to(address), third = connect_to(address);
  char byte;
  EXPECT_EQ(::recv(third, &byte, 1, 0), 0);  // closed at once
  core.on([&] {
    ASSERT_EQ(accepted.size(), 2U);
    EXPECT_EQ(accepted.front()->address(), "127.0.0.1");
    EXPECT_EQ(core.core.transports().size(), 2U);
    accepted.clear();
    EXPECT_TRUE(core.core.transports().empty());
  });
  EXPECT_EQ(channels->count(), 0);
  core.on([&] { listener.reset(); });
  for (const int fd : {first, second, third}) ::close(fd);
}

TEST(Listener, SaysWhereItCannotListen) {
  const auto refused = Listener::open_socket(parse_address("192.0.2.1:5222")->front(), Listener::First::yes);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.failure().what.find("192.0.2.1:5222"), std::string::npos);
}

}  // namespace
}  // namespace jackdaw
