// The queue of stanzas that wait to be acknowledged.
// SPDX-License-Identifier: Apache-2.0
#include "stream/sent_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace jackdaw {
namespace {

StanzaRef message(int number) {
  return Stanza::make({Kind::message, Type::normal, {}, {}}, std::to_string(number), "");
}

std::string ids(const SentQueue& queue) {
  std::string out;
  for (const auto& sent : queue)
    out += std::string(sent.stanza->raw_id()) + (sent.then == Undelivered::drop ? "k " : " ");
  return out;
}

TEST(SentQueue, IsOldestFirst) {
  SentQueue queue;
  EXPECT_TRUE(queue.empty());
  for (int i = 1; i <= 4; ++i) queue.push({message(i), i == 3 ? Undelivered::drop : Undelivered::route});
  EXPECT_EQ(ids(queue), "1 2 3k 4 ");
  queue.drop(2);
  EXPECT_EQ(ids(queue), "3k 4 ");
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.bytes(), message(3)->wire_size() + message(4)->wire_size());
  queue.push({message(5)});
  EXPECT_EQ(ids(queue), "3k 4 5 ");
  queue.drop(3);
  EXPECT_TRUE(queue.empty());
  queue.drop(0);
  queue.push({message(6)});
  EXPECT_EQ(ids(queue), "6 ");
}

TEST(SentQueue, HoldsNoStanzaThatWasAcknowledged) {
  SentQueue queue;
  const auto stanza = message(1);
  const auto before = stanza->xml();
  for (int i = 0; i < 3; ++i) queue.push({stanza});
  queue.drop(3);
  EXPECT_EQ(queue.begin(), queue.end());
  EXPECT_EQ(stanza->xml(), before);
}

TEST(SentQueue, StaysRightOverManyThousands) {
  SentQueue queue;
  int oldest = 0;
  for (int i = 0; i < 5000; ++i) {
    queue.push({message(i)});
    if (queue.size() > 700) {
      queue.drop(600);
      oldest += 600;
    }
    ASSERT_EQ(queue.begin()->stanza->raw_id(), std::to_string(oldest));
  }
  EXPECT_EQ(queue.size(), static_cast<std::size_t>(5000 - oldest));
}

}  // namespace
}  // namespace jackdaw
