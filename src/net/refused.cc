// SPDX-License-Identifier: Apache-2.0
#include "net/refused.h"

#include <sys/socket.h>
#include <unistd.h>

namespace jackdaw {
namespace {

constexpr std::size_t most_at_once = 64;
constexpr auto moment = 2s;

}  // namespace

RefusedConnections::~RefusedConnections() {
  while (!refused_.empty()) close_oldest();
}

void RefusedConnections::tell(int descriptor, std::string_view last_words) {
  [[maybe_unused]] const auto sent = ::send(descriptor, last_words.data(), last_words.size(), MSG_NOSIGNAL);
  ::shutdown(descriptor, SHUT_WR);
  if (refused_.size() == most_at_once) close_oldest();
  refused_.push_back({descriptor, core_.now() + moment});
  if (!is_set()) set(core_.timers(), moment);
}

void RefusedConnections::fires() {
  while (!refused_.empty() && refused_.front().until <= core_.now()) close_oldest();
  if (!refused_.empty()) set(core_.timers(), 1s);
}

// What the peer has sent meanwhile is taken first: bytes unread would turn the close into a reset.
void RefusedConnections::close_oldest() {
  const int descriptor = refused_.front().descriptor;
  refused_.pop_front();
  char bytes[4096];
  for (int i = 0; i < 16 && ::recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT) > 0; ++i) {
  }
  ::close(descriptor);
}

}  // namespace jackdaw
