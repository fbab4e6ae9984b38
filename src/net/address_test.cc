// Addresses as they are written, shown and counted.
// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

std::string parsed(std::string_view text) {
  const auto addresses = parse_address(text);
  if (!addresses) return "(none)";
  std::string out;
  for (const auto& address : *addresses) out += (out.empty() ? "" : " ") + address.text();
  return out;
}

TEST(Address, AsPeopleWriteThem) {
  EXPECT_EQ(parsed("192.0.2.1:5222"), "192.0.2.1:5222");
  EXPECT_EQ(parsed("[2001:db8::1]:5222"), "[2001:db8::1]:5222");
  EXPECT_EQ(parsed("[2001:0DB8:0:0::0001]:80"), "[2001:db8::1]:80");
  EXPECT_EQ(parsed("localhost:0"), "127.0.0.1:0");
  EXPECT_EQ(parsed("*:5222"), "0.0.0.0:5222 [::]:5222");
  EXPECT_EQ(parsed("127.0.0.1:65535"), "127.0.0.1:65535");
}

TEST(Address, RefusesWhatIsNone) {
  for (const auto text : {"", ":", "5222", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1",
                          "192.0.2.1:5222x", "192.0.2.256:1", "192.0.2:1", "[2001:db8::1]", "[2001:db8::g]:1", "[]:1",
                          "example.org:5222", ":5222", " 192.0.2.1:1", "192.0.2.1: 1"})
    EXPECT_EQ(parsed(text), "(none)") << text;
}

TEST(Address, TheRefusalSaysWhatIsAllowed) {
  const auto refused = parse_address("example.org:5222");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.failure().what.find("'example.org:5222'"), std::string::npos);
  EXPECT_NE(refused.failure().what.find("*:5222"), std::string::npos);
}

TEST(Address, ThePortMayBeSetLater) {
  auto six = parse_address("[::1]:0")->front();
  six.set_port(5269);
  EXPECT_EQ(six.text(), "[::1]:5269");
  EXPECT_EQ(six.port(), 5269);
}

TEST(Address, AMappedOneIsShownAsIPv4) {
  EXPECT_EQ(parse_address("[::ffff:192.0.2.1]:1")->front().host(), "192.0.2.1");
}

TEST(AddressGroup, IsTheAddressOrItsNetwork) {
  EXPECT_EQ(address_group("192.0.2.1"), "192.0.2.1");
  EXPECT_NE(address_group("192.0.2.1"), address_group("192.0.2.2"));
  EXPECT_EQ(address_group("2001:db8:1:2::1"), address_group("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(address_group("2001:db8:1:2::1"), address_group("2001:db8:1:3::1"));
  EXPECT_EQ(address_group("::ffff:192.0.2.1"), "192.0.2.1");
}

TEST(Loopback, IsThisMachine) {
  for (const char* host : {"127.0.0.1", "127.8.9.10", "::1"}) EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"128.0.0.1", "1270.0.0.1", "10.127.0.1", "::2", "2001:db8::1", ""})
    EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace jackdaw
