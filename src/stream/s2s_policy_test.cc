// What the settings say of remote domains: patterns, the order of their lines, static routes.
// SPDX-License-Identifier: Apache-2.0
#include "stream/s2s_policy.h"

#include <gtest/gtest.h>

#include "settings/merge.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

std::shared_ptr<const Settings> with(std::vector<std::string> words) {
  static const SettingTable table{{stream_settings()}};
  auto merged = merge(table, {.command_line = std::move(words)});
  EXPECT_TRUE(merged.ok());
  return *merged;
}

std::string_view policy(const std::string& secure, std::string_view domain, const std::string& unlisted = "encrypted") {
  return name_of(tls_policy(*with({"s2s.secure_domains=" + secure, "s2s.unlisted=" + unlisted}), domain));
}

TEST(S2sPolicy, a_star_is_one_label_or_more) {
  EXPECT_TRUE(domain_fits("corp.example", "corp.example"));
  EXPECT_FALSE(domain_fits("corp.example", "x.corp.example"));
  EXPECT_TRUE(domain_fits("*.corp.example", "a.corp.example"));
  EXPECT_TRUE(domain_fits("*.corp.example", "a.b.corp.example"));
  EXPECT_FALSE(domain_fits("*.corp.example", "corp.example"));
  EXPECT_FALSE(domain_fits("*.corp.example", "acorp.example"));
  EXPECT_TRUE(domain_fits("*", "corp.example"));
  EXPECT_TRUE(domain_fits("chat.*.example", "chat.a.b.example"));
  EXPECT_FALSE(domain_fits("chat.*.example", "chat.example"));
  EXPECT_FALSE(domain_fits("", "corp.example"));
}

TEST(S2sPolicy, never_goes_before_listed_and_listed_before_the_rest) {
  EXPECT_EQ(policy("*.example,!old.example", "old.example"), "never");
  EXPECT_EQ(policy("!old.example,old.example", "old.example"), "never");
  EXPECT_EQ(policy("*.example,!old.example", "new.example"), "verified");
  EXPECT_EQ(policy("CORP.example", "corp.example"), "verified");
  EXPECT_EQ(policy("163.com", "163.com"), "verified");
  EXPECT_EQ(policy("*.10.example.", "x.10.example"), "verified");
  EXPECT_EQ(policy("", "any.example"), "encrypted");
  EXPECT_EQ(policy("", "any.example", "verified"), "verified");
  EXPECT_EQ(policy("", "any.example", "wherever_possible"), "wherever_possible");
  EXPECT_EQ(policy("", "any.example", "plain"), "never");
  EXPECT_EQ(policy("listed.example", "listed.example", "plain"), "verified");
}

TEST(S2sPolicy, names_beyond_ascii_are_compared_in_one_form) {
  EXPECT_EQ(policy("b\u00fccher.example", "b\u00fccher.example"), "verified");
  EXPECT_EQ(policy("xn--bcher-kva.example", "b\u00fccher.example"), "verified");
  EXPECT_EQ(policy("*.B\u00dcCHER.example", "a.b\u00fccher.example"), "verified");
}

TEST(S2sPolicy, routes) {
  const auto settings =
      with({"s2s.routes=a.example=relay.example,b.example=10.0.0.1:5270,c.example=[::1]:5271,d.example=[::1]"});
  const auto route = [&](std::string_view domain) {
    const auto found = static_route(*settings, domain);
    return found ? found->host + ' ' + std::to_string(found->port) : std::string();
  };
  EXPECT_EQ(route("a.example"), "relay.example 0");
  EXPECT_EQ(route("b.example"), "10.0.0.1 5270");
  EXPECT_EQ(route("c.example"), "[::1] 5271");
  EXPECT_EQ(route("d.example"), "[::1] 0");
  EXPECT_EQ(route("e.example"), "");
}

TEST(S2sPolicy, records_of_communigates_router) {
  const auto settings = with({"s2s.routes=NoRelay:corp.dom = corp.dom@relay.dom._via, b.dom=relay.dom:5270._via"});
  ASSERT_TRUE(static_route(*settings, "corp.dom"));
  EXPECT_EQ(static_route(*settings, "corp.dom")->host, "relay.dom");
  ASSERT_TRUE(static_route(*settings, "b.dom"));
  EXPECT_EQ(static_route(*settings, "b.dom")->port, 5270);
  EXPECT_FALSE(check_s2s_settings(*with({"s2s.routes=NoRelay:corp.dom = other.dom@relay.dom._via"})).ok());
}

TEST(S2sPolicy, what_is_wrong_is_told) {
  EXPECT_TRUE(check_s2s_settings(*with({"s2s.routes=a.example=b.example:1", "s2s.secure_domains=*,!x.y,*.z"})).ok());
  for (const auto* bad :
       {"s2s.routes=a.example", "s2s.routes=a.example=", "s2s.routes=a.example=b:0", "s2s.routes=a.example=b:66000",
        "s2s.routes=a.example=b:x", "s2s.routes=a.example=:]", "s2s.routes=@=b", "s2s.secure_domains=a b",
        "s2s.secure_domains=!", "s2s.secure_domains=a..b"})
    EXPECT_FALSE(check_s2s_settings(*with({bad})).ok()) << bad;
}

}  // namespace
}  // namespace jackdaw
