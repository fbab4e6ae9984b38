// XEP-0077: signing up, another password, leaving.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "modules/test_server.h"
#include "modules/test_xml.h"
#include "router/provision.h"
#include "router/sign_up_limit.h"

namespace jackdaw {
extern const Module roster, presence, subscription, xep0077_register;
namespace {

std::string iq(std::string_view type, std::string_view inside, std::string_view to = {}) {
  std::string out = "<iq type='" + std::string(type) + "' id='r'";
  if (!to.empty()) out += " to='" + std::string(to) + "'";
  return out + "><query xmlns='jabber:iq:register'>" + std::string(inside) + "</query></iq>";
}

std::string named(std::string_view name, std::string_view password = "secret") {
  return "<username>" + std::string(name) + "</username><password>" + std::string(password) + "</password>";
}

constexpr auto done = "<iq type='result' id='r' from='montague.lan'/>";

void expect_refused(const std::string& got, Condition condition,
                    std::source_location where = std::source_location::current()) {
  if (got.find("<" + std::string(name_of(condition)) + " ") == got.npos)
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << name_of(condition) << " expected, got " << got;
}

// Off at first: neither offered nor done.
TEST(SignUp, IsOffAtFirst) {
  TestServer server{xep0077_register};
  EXPECT_EQ(server.features("montague.lan", StreamFeature::When::before_authentication), "");
  expect_refused(server.before_login("montague.lan", iq("get", "")), Condition::service_unavailable);
  expect_refused(server.before_login("montague.lan", iq("set", named("romeo"))), Condition::not_allowed);
  EXPECT_FALSE(server.has_account("romeo@montague.lan"));
}

// XEP-0077 §3.1, §8; for the one domain that allows it.
TEST(SignUp, MakesAnAccount) {
  TestServer server{Cores{3}, xep0077_register};
  server.set("domain.montague.lan.registration.auto_signup=true");
  EXPECT_EQ(difference("<register xmlns='http://jabber.org/features/iq-register'/>",
                       server.features("montague.lan", StreamFeature::When::before_authentication)),
            "");
  EXPECT_EQ(difference("<iq type='result' id='r' from='montague.lan'><query xmlns='jabber:iq:register'>"
                       "<instructions>*</instructions><username/><password/></query></iq>",
                       server.before_login("montague.lan", iq("get", ""))),
            "");
  EXPECT_EQ(difference(done, server.before_login("montague.lan", iq("set", named("Romeo")))), "");
  EXPECT_TRUE(server.has_account("romeo@montague.lan"));
  expect_refused(server.before_login("montague.lan", iq("set", named("romeo"))), Condition::conflict);
  expect_refused(server.before_login("capulet.lan", iq("set", named("romeo"))), Condition::not_allowed);
}

TEST(SignUp, RefusesWhatIsIncompleteOrWrong) {
  TestServer server{xep0077_register};
  server.set("registration.auto_signup=true");
  server.set("registration.per_address_hour=0");
  const auto set = [&](std::string_view inside) { return server.before_login("montague.lan", iq("set", inside)); };
  expect_refused(set("<username>romeo</username>"), Condition::not_acceptable);
  expect_refused(set(named("romeo", "")), Condition::not_acceptable);
  expect_refused(set(named("", "secret")), Condition::not_acceptable);
  expect_refused(set(named("ro meo")), Condition::not_acceptable);
  expect_refused(set(named("romeo@x")), Condition::not_acceptable);
  expect_refused(set(named("romeo/x")), Condition::not_acceptable);
  expect_refused(set(named("r\u043Emeo")), Condition::not_acceptable);
  expect_refused(set("<remove/>"), Condition::unexpected_request);
  EXPECT_EQ(difference(done, set(named("cope"))), "");
  expect_refused(set(named("\u0441\u043E\u0440\u0435")), Condition::conflict);
}

// Counted on one core, whichever the connection is on.
TEST(SignUp, OneAddressMayAskSoOften) {
  TestServer server{Cores{3}, xep0077_register};
  server.set("registration.auto_signup=true");
  server.set("registration.per_address_hour=2");
  const auto ask = [&](const char* name, const char* address) {
    return server.before_login("montague.lan", iq("set", named(name)), address);
  };
  EXPECT_EQ(difference(done, ask("ann", "2001:db8::1")), "");
  EXPECT_EQ(difference(done, ask("bob", "2001:db8::2")), "");
  expect_refused(ask("cid", "2001:db8::3"), Condition::resource_constraint);
  EXPECT_EQ(difference(done, ask("cid", "192.0.2.7")), "");
  server.pass(1h);
  EXPECT_EQ(difference(done, ask("dan", "2001:db8::3")), "");
}

TEST(SignUp, TheTableOfAddressesIsBounded) {
  SignUpLimit limit;
  const Steady start{};
  for (std::size_t i = 0; i < SignUpLimit::most_addresses; ++i) EXPECT_TRUE(limit.admit(std::to_string(i), 1, start));
  EXPECT_FALSE(limit.admit("one more", 1, start));
  EXPECT_FALSE(limit.admit("7", 1, start + 59min));
  EXPECT_TRUE(limit.admit("one more", 1, start + 1h));
  EXPECT_FALSE(limit.admit("one more", 1, start + 1h));
}

TEST(Registered, GetSaysWhoOneIs) {
  TestServer server{xep0077_register};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(iq("get", "", "montague.lan"));
  romeo.expect(
      "<iq type='result' id='r' from='montague.lan' to='romeo@montague.lan/garden'>"
      "<query xmlns='jabber:iq:register'><registered/><username>romeo</username><password/></query></iq>");
  romeo.send(iq("get", "", "capulet.lan"));
  romeo.expect_error("r", Condition::service_unavailable);
}

// XEP-0077 §3.3.
TEST(PasswordChange, IsForTheOwnAccountWhenAllowed) {
  TestServer server{Cores{2}, xep0077_register};
  auto romeo = server.login("romeo@montague.lan/garden");
  auto other = server.login("romeo@montague.lan/street");
  romeo.send(iq("set", named("romeo", "new"), "montague.lan"));
  romeo.expect_error("r", Condition::not_allowed);
  EXPECT_FALSE(other.why_ended());
  server.set("registration.password_change=true");
  romeo.send(iq("set", named("juliet", "new"), "montague.lan"));
  romeo.expect_error("r", Condition::forbidden);
  romeo.send(iq("set", named("romeo", ""), "montague.lan"));
  romeo.expect_error("r", Condition::bad_request);
  romeo.send(iq("set", "<password>new</password>", "montague.lan"));
  romeo.expect_error("r", Condition::bad_request);
  romeo.send(iq("set", named("romeo", "new"), "capulet.lan"));
  romeo.expect_error("r", Condition::not_allowed);
  romeo.send(iq("set", named("Romeo", "new"), "montague.lan"));
  romeo.expect("<iq type='result' id='r' from='montague.lan' to='romeo@montague.lan/garden'/>");
  EXPECT_FALSE(romeo.why_ended());
  EXPECT_TRUE(other.why_ended());
}

// XEP-0077 §3.2: answered first, then every stream ends with not-authorized.
TEST(Removal, IsAnsweredBeforeTheStreamsEnd) {
  TestServer server{Cores{2}, roster, presence, subscription, xep0077_register};
  for (const char* to : {"", "montague.lan"}) {
    auto romeo = server.login("romeo@montague.lan/garden");
    auto other = server.login("romeo@montague.lan/street");
    romeo.send(iq("set", "<remove/>", to));
    romeo.expect("<iq type='result' id='r' from='" + std::string(*to ? to : "romeo@montague.lan") +
                 "' to='romeo@montague.lan/garden'/>");
    for (auto* client : {&romeo, &other}) {
      ASSERT_TRUE(client->why_ended());
      EXPECT_EQ(client->why_ended()->condition, StreamCondition::not_authorized);
    }
    EXPECT_FALSE(server.has_account("romeo@montague.lan"));
  }
}

TEST(Removal, Refused) {
  TestServer server{xep0077_register};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(iq("set", "<remove/><username>romeo</username>", "montague.lan"));
  romeo.expect_error("r", Condition::bad_request);
  romeo.send(iq("set", "<remove/>", "capulet.lan"));
  romeo.expect_error("r", Condition::registration_required);
  server.set("registration.removal=false");
  romeo.send(iq("set", "<remove/>"));
  romeo.expect_error("r", Condition::not_allowed);
  EXPECT_TRUE(server.has_account("romeo@montague.lan"));
}

}  // namespace
}  // namespace jackdaw
