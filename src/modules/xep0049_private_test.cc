// XEP-0049: what a client stores for itself, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "modules/test_server.h"

namespace jackdaw {
extern const Module xep0049_private;
namespace {

std::string iq(std::string_view type, std::string_view inside, std::string_view to = {}) {
  std::string out = "<iq type='" + std::string(type) + "' id='p'";
  if (!to.empty()) out += " to='" + std::string(to) + "'";
  return out + "><query xmlns='jabber:iq:private'>" + std::string(inside) + "</query></iq>";
}

constexpr auto empty_result = "<iq type='result' id='p' from='romeo@montague.lan' to='romeo@montague.lan/garden'/>";

std::string result(std::string_view inside) {
  return "<iq type='result' id='p' from='romeo@montague.lan' to='romeo@montague.lan/garden'>"
         "<query xmlns='jabber:iq:private'>" +
         std::string(inside) + "</query></iq>";
}

// XEP-0049 §2.3.
TEST(Private, KeepsWhatIsStored) {
  TestServer server{xep0049_private};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(iq("set", "<exodus xmlns='exodus:prefs'><nick>Hamlet</nick></exodus>"));
  romeo.expect(empty_result);
  romeo.send(iq("get", "<exodus xmlns='exodus:prefs'/>"));
  romeo.expect(result("<exodus xmlns='exodus:prefs'><nick>Hamlet</nick></exodus>"));
  romeo.send(iq("get", "<other xmlns='exodus:prefs'/>"));
  romeo.expect(result("<other xmlns='exodus:prefs'/>"));
}

TEST(Private, SeveralElementsAtOnce) {
  TestServer server{xep0049_private};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(iq("set", "<a xmlns='x'>1</a><b xmlns='x'/><a xmlns='x'>2</a>"));
  romeo.expect(empty_result);
  romeo.send(iq("get", "<a xmlns='x'/>"));
  romeo.expect(result("<a xmlns='x'>1</a><a xmlns='x'>2</a>"));
}

// XEP-0049 §2.2, §2.3.
TEST(Private, BadRequestsAreRefused) {
  TestServer server{xep0049_private};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(iq("get", ""));
  romeo.expect_error("p", Condition::bad_request);
  romeo.send(iq("get", "<a xmlns='x'/><b xmlns='y'/>"));
  romeo.expect_error("p", Condition::bad_request);
  romeo.send(iq("set", ""));
  romeo.expect_error("p", Condition::not_acceptable);
  romeo.send(iq("set", "<own/>"));
  romeo.expect_error("p", Condition::not_acceptable);
}

TEST(Private, NobodyReadsAnothers) {
  TestServer server{xep0049_private};
  auto romeo = server.login("romeo@montague.lan/garden");
  auto juliet = server.login("juliet@capulet.lan/balcony");
  romeo.send(iq("set", "<a xmlns='x'>secret</a>"));
  romeo.expect(empty_result);
  for (const char* type : {"get", "set"}) {
    juliet.send(iq(type, "<a xmlns='x'/>", "romeo@montague.lan"));
    juliet.expect_error("p", Condition::service_unavailable);
  }
}

TEST(Private, SizeAndNumberAreLimited) {
  TestServer server{xep0049_private};
  server.set("private.max_item=1KiB");
  server.set("private.max_items=2");
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(iq("set", "<a xmlns='x'>" + std::string(1024, 'a') + "</a>"));
  romeo.expect_error("p", Condition::not_acceptable);
  romeo.send(iq("set", "<a xmlns='x'/><b xmlns='x'/>"));
  romeo.expect(empty_result);
  romeo.send(iq("set", "<c xmlns='x'/>"));
  romeo.expect_error("p", Condition::resource_constraint);
  romeo.send(iq("set", "<b xmlns='x'>again</b>"));
  romeo.expect(empty_result);
}

}  // namespace
}  // namespace jackdaw
