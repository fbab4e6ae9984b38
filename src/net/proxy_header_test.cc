// Headers of the PROXY protocol: both versions, byte by byte, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_header.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};

std::string version_2(char command, char family, std::string_view rest) {
  std::string made{signature};
  made += command;
  made += family;
  made += static_cast<char>(rest.size() >> 8);
  made += static_cast<char>(rest.size() & 0xff);
  return made.append(rest);
}

// Every beginning is incomplete; the whole is `host`, whatever comes behind.
void expect_host(const std::string& header, const std::string& host) {
  for (std::size_t i = 0; i < header.size(); ++i)
    EXPECT_EQ(read_proxy_header(std::string_view{header}.substr(0, i)).state, State::incomplete) << i;
  for (const auto* behind : {"", "<", "\r\n<?xml version='1.0'?>"}) {
    const auto read = read_proxy_header(header + behind);
    EXPECT_EQ(read.state, State::complete);
    EXPECT_EQ(read.size, header.size());
    EXPECT_EQ(read.host, host);
  }
}

TEST(ProxyHeader, Version1) {
  expect_host("PROXY TCP4 192.0.2.1 198.51.100.2 40000 5222\r\n", "192.0.2.1");
  expect_host("PROXY TCP6 2001:DB8:0::1 2001:db8::2 1 65535\r\n", "2001:db8::1");
  expect_host("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 65535\r\n", "192.0.2.1");
  expect_host("PROXY UNKNOWN\r\n", "");
  expect_host("PROXY UNKNOWN whatever it says 1 2 3 4 5\r\n", "");
}

TEST(ProxyHeader, Version2) {
  const std::string four{"\xc0\x00\x02\x01\xc6\x33\x64\x02\x9c\x40\x14\x66", 12};
  expect_host(version_2('\x21', '\x11', four), "192.0.2.1");
  expect_host(version_2('\x21', '\x11', four + std::string(200, 'x')), "192.0.2.1");  // extensions
  const std::string six = "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x01" + std::string(20, 'd');
  expect_host(version_2('\x21', '\x21', six), "2001:db8::1");
  expect_host(version_2('\x20', '\x11', four), "");  // LOCAL
  expect_host(version_2('\x20', '\0', ""), "");
  expect_host(version_2('\x21', '\0', ""), "");  // AF_UNSPEC
  expect_host(version_2('\x21', '\x31', std::string(216, 'u')), "");
}

TEST(ProxyHeader, RefusesWhatIsNone) {
  const std::string four(12, 'a');
  const std::string cases[] = {"<?xml",
                               "PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n",
                               "PROXY TCP4 192.0.2.1 198.51.100.2 40000 5222 1\r\n",
                               "PROXY TCP4 2001:db8::1 198.51.100.2 40000 5222\r\n",
                               "PROXY TCP4 192.0.2.1 198.51.100.2 65536 5222\r\n",
                               "PROXY TCP4  192.0.2.1 198.51.100.2 1 5222\r\n",
                               "PROXY TCP4 192.0.2.01x 198.51.100.2 1 5222\r\n",
                               "PROXY TCP5 192.0.2.1 198.51.100.2 1 5222\r\n",
                               "PROXY TCP4 192.0.2.1 198.51.100.2 1 -2\r\n",
                               "PROXY \r\n",
                               "PROXY UNKNOWN" + std::string(107, ' '),
                               "PROXYTCP4",
                               "\x16\x03\x01",
                               std::string("\r\n\r\n\0\r\nQUIX", 11),
                               version_2('\x11', '\x11', four),
                               version_2('\x22', '\x11', four),
                               version_2('\x21', '\x12', four),
                               version_2('\x21', '\x11', four.substr(1)),
                               version_2('\x21', '\x21', four),
                               version_2('\x21', '\x41', four),
                               version_2('\x21', '\x11', std::string(1009, 'a'))};
  for (const auto& header : cases) EXPECT_EQ(read_proxy_header(header).state, State::wrong) << header;
}

}  // namespace
}  // namespace jackdaw
