// Lists of addresses: every form, what "!" takes out, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "net/address_list.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

AddressList list_of(std::string_view text) {
  auto list = AddressList::parse(text);
  EXPECT_TRUE(list.ok()) << text;
  return list ? std::move(*list) : AddressList{};
}

TEST(AddressList, NamesSingleAddressesRangesAndNetworks) {
  const auto list = list_of("192.0.2.1 198.51.100.7-198.51.100.9\n10.0.0.0/8 2001:db8::/32 2001:db9::1");
  for (const auto* inside : {"192.0.2.1", "198.51.100.7", "198.51.100.8", "198.51.100.9", "10.0.0.0", "10.255.255.255",
                             "2001:db8::5", "2001:db8:ffff::", "2001:db9::1"})
    EXPECT_TRUE(list.contains(inside)) << inside;
  for (const auto* outside : {"192.0.2.2", "198.51.100.6", "198.51.100.10", "9.255.255.255", "11.0.0.0",
                              "2001:db7::", "2001:db9::2", "::1", "127.0.0.1", "", "localhost"})
    EXPECT_FALSE(list.contains(outside)) << outside;
}

TEST(AddressList, ExclamationTakesOutOfWhatStandsBefore) {
  const auto list = list_of("10.0.0.0/8 !10.1.0.0/16 10.1.5.0/24");
  EXPECT_TRUE(list.contains("10.2.0.1"));
  EXPECT_FALSE(list.contains("10.1.4.1"));
  EXPECT_TRUE(list.contains("10.1.5.1"));
}

TEST(AddressList, HasRemarksToTheEndOfTheLine) {
  const auto list = list_of("; the office\n10.0.0.0/8;all of it 192.0.2.1\n\t!10.1.0.0/16 ; but the lab\n");
  EXPECT_TRUE(list.contains("10.2.0.1"));
  EXPECT_FALSE(list.contains("10.1.0.1"));
  EXPECT_FALSE(list.contains("192.0.2.1"));
  EXPECT_TRUE(list_of(" ; nothing else").empty());
  EXPECT_TRUE(list_of("").empty());
}

TEST(AddressList, TakesAMappedAddressForTheFourByteOne) {
  const auto list = list_of("192.0.2.0/24");
  EXPECT_TRUE(list.contains("::ffff:192.0.2.9"));
  EXPECT_TRUE(list_of("::ffff:192.0.2.9").contains("192.0.2.9"));
}

TEST(AddressList, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"10.0.0.0/8 elsewhere", "'elsewhere': no address"},
      {"10.0.0.0/33", "its mask is not 1 to 32"},
      {"10.0.0.0/0", "its mask is not 1 to 32"},
      {"2001:db8::/129", "its mask is not 1 to 128"},
      {"10.0.0.1/8", "bits are set behind its mask"},
      {"10.0.0.9-10.0.0.1", "its end lies before its beginning"},
      {"10.0.0.1-2001:db8::1", "its end is no address of that kind"},
      {"10.0.0.1-", "its end is no address of that kind"},
      {"!10.0.0.0/8", "nothing stands before it"},
      {"10.0.0.0/8/8", "its mask is not 1 to 32"},
      {"192.0.2.0-192.0.2.9/24", "both a range and a mask"},
      {"!", "no address"},
  };
  for (const auto& [text, why] : cases) {
    const auto list = AddressList::parse(text);
    ASSERT_FALSE(list.ok()) << text;
    EXPECT_NE(list.failure().what.find(why), std::string::npos) << list.failure().what;
    EXPECT_NE(list.failure().what.find("allowed: 192.0.2.1"), std::string::npos);
  }
}

}  // namespace
}  // namespace jackdaw
