// SRV records: their bytes, and the order in which places are tried (RFC 2782, XEP-0368).
// SPDX-License-Identifier: Apache-2.0
#include "stream/find_server.h"

#include <gtest/gtest.h>

#include <map>

namespace jackdaw {
namespace {

using namespace std::string_literals;

SrvRecord record(std::uint16_t priority, std::uint16_t weight, std::string host, bool tls = false) {
  return {priority, weight, {std::move(host), 5269, tls}};
}

std::string hosts(const std::vector<ServerPlace>& places) {
  std::string all;
  for (const auto& place : places) all += place.host + (place.tls_at_once ? "! " : " ");
  return all;
}

TEST(FindServer, a_record_is_read) {
  const auto read = read_srv("\0\x05\0\x0a\x14\x95\x04xmpp\x07"s + "example\x03lan\0"s, true);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->priority, 5);
  EXPECT_EQ(read->weight, 10);
  EXPECT_EQ(read->place.host, "xmpp.example.lan");
  EXPECT_EQ(read->place.port, 5269);
  EXPECT_TRUE(read->place.tls_at_once);
  const auto none = read_srv("\0\0\0\0\0\0\0"s, false);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->place.host, "");
}

TEST(FindServer, what_is_no_record_is_none) {
  const std::string good = "\0\x05\0\x0a\x14\x95\x04xmpp\x03lan\0"s;
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(read_srv(good.substr(0, size), false)) << size;
  EXPECT_FALSE(read_srv(good + "x", false));
  EXPECT_FALSE(read_srv("\0\x05\0\x0a\x14\x95\xc0\x0c\0"s, false));
}

TEST(FindServer, both_services_are_one_list_by_priority) {
  std::mt19937_64 chance{1};
  EXPECT_EQ(hosts(in_order({record(20, 0, "late"), record(10, 0, "direct", true), record(5, 0, "first")}, chance)),
            "first direct! late ");
  EXPECT_EQ(hosts(in_order({}, chance)), "");
  EXPECT_EQ(hosts(in_order({record(1, 1, ""), record(2, 1, "other")}, chance)), "other ");
}

TEST(FindServer, within_one_priority_chance_follows_weight) {
  std::mt19937_64 chance{1};
  std::map<std::string, int> first;
  for (int i = 0; i < 4000; ++i)
    ++first[in_order({record(1, 10, "ten"), record(1, 30, "thirty"), record(1, 0, "never")}, chance).front().host];
  EXPECT_NEAR(first["ten"], 1000, 150);
  EXPECT_NEAR(first["thirty"], 3000, 200);
  EXPECT_LT(first["never"], 200);  // RFC 2782: a very small chance
}

}  // namespace
}  // namespace jackdaw
