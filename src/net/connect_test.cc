// Connecting to the first of several addresses that answers.
// SPDX-License-Identifier: Apache-2.0
#include "net/connect.h"

#include <gtest/gtest.h>

#include "net/listener.h"
#include "net/test_cores.h"

namespace jackdaw {
namespace {

using namespace test;

SocketAddress address(const std::string& text) { return parse_address(text)->front(); }

// A socket that listens and accepts nobody; its address.
struct Door {
  Door() : descriptor(*Listener::open_socket(address("127.0.0.1:0"))) {
    at.size = sizeof at.storage;
    getsockname(descriptor, reinterpret_cast<sockaddr*>(&at.storage), &at.size);
  }
  ~Door() { close(); }
  void close() {
    if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
  }
  int descriptor;
  SocketAddress at;
};

struct Outcome {
  std::string address, why;
};

Task<void> connect_and_tell(Core& core, std::vector<SocketAddress> addresses, std::promise<Outcome>& told) {
  const Connected made = co_await connect_to(core, std::move(addresses), 10s);
  told.set_value({made.transport ? made.transport->address() : std::string(), made.why});
}

Outcome connect(std::vector<SocketAddress> addresses) {
  TestCore core;
  std::promise<Outcome> told;
  core.core.post([&] { spawn(connect_and_tell(core.core, std::move(addresses), told)); });
  return told.get_future().get();
}

TEST(Connect, to_who_is_there) {
  const Door door;
  EXPECT_EQ(connect({door.at}).address, "127.0.0.1");
}

TEST(Connect, a_refused_address_is_passed_over) {
  Door closed;
  const Door door;
  closed.close();
  EXPECT_EQ(connect({closed.at, address("[::1]:1"), door.at}).address, "127.0.0.1");
}

TEST(Connect, when_nobody_is_there_the_reason_is_told) {
  Door closed;
  closed.close();
  EXPECT_EQ(connect({closed.at}).why, closed.at.text() + ": Connection refused");
  EXPECT_EQ(connect({}).why, "there is no address");
}

}  // namespace
}  // namespace jackdaw
