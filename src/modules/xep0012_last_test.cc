// XEP-0012: uptime, and when a user was last available, for those who may know.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "modules/test_server.h"

namespace jackdaw {
extern const Module roster, presence, xep0012_last;
namespace {

std::string ask(std::string_view to) {
  return "<iq type='get' id='l' to='" + std::string(to) + "'><query xmlns='jabber:iq:last'/></iq>";
}

std::string answer(std::string_view from, std::string_view seconds, std::string_view status = {}) {
  return "<iq type='result' id='l' from='" + std::string(from) + "' to='romeo@montague.lan/garden'>" +
         "<query xmlns='jabber:iq:last' seconds='" + std::string(seconds) + "'>" + std::string(status) +
         "</query></iq>";
}

// XEP-0012 §5.
TEST(Last, ServerTellsItsUptime) {
  TestServer server{xep0012_last};
  auto romeo = server.login("romeo@montague.lan/garden");
  server.pass(1000s);
  romeo.send(ask("montague.lan"));
  romeo.expect(answer("montague.lan", "1000"));
}

// XEP-0012 §3: while available, zero; then since when, with the last status.
TEST(Last, AContactLearnsWhenAndHow) {
  TestServer server{roster, presence, xep0012_last};
  auto romeo = server.login("romeo@montague.lan/garden");
  auto juliet = server.login("juliet@capulet.lan/balcony");
  server.put_contact("juliet@capulet.lan", "romeo@montague.lan", Subscription::from);
  romeo.send(ask("juliet@capulet.lan"));
  romeo.expect_error("l", Condition::item_not_found);
  juliet.send("<presence/>");
  server.settle();
  server.pass(100s);
  romeo.skip();
  romeo.send(ask("juliet@capulet.lan"));
  romeo.expect(answer("juliet@capulet.lan", "0"));
  juliet.send("<presence type='unavailable'><status>Heading &lt;home&gt;</status></presence>");
  server.pass(903s);
  romeo.skip();
  romeo.send(ask("juliet@capulet.lan"));
  romeo.expect(answer("juliet@capulet.lan", "903", "Heading &lt;home&gt;"));
}

TEST(Last, ALostConnectionCountsToo) {
  TestServer server{roster, presence, xep0012_last};
  auto romeo = server.login("romeo@montague.lan/garden");
  server.put_contact("juliet@capulet.lan", "romeo@montague.lan", Subscription::both);
  auto juliet = server.login("juliet@capulet.lan/balcony");
  juliet.send("<presence/>");
  server.settle();
  juliet.leave();
  server.pass(7s);
  romeo.skip();
  romeo.send(ask("juliet@capulet.lan"));
  romeo.expect(answer("juliet@capulet.lan", "7"));
}

TEST(Last, OneselfIsConnected) {
  TestServer server{xep0012_last};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(ask("romeo@montague.lan"));
  romeo.expect(answer("romeo@montague.lan", "0"));
}

// XEP-0012 §3: forbidden for whoever may not see the presence.
TEST(Last, StrangersAreForbidden) {
  TestServer server{roster, presence, xep0012_last};
  auto romeo = server.login("romeo@montague.lan/garden");
  server.put_contact("juliet@capulet.lan", "romeo@montague.lan", Subscription::to);
  romeo.send(ask("juliet@capulet.lan"));
  romeo.expect_error("l", Condition::forbidden);
}

}  // namespace
}  // namespace jackdaw
