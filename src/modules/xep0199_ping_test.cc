// XEP-0199: pongs, for those who may know that somebody is there.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "modules/test_server.h"

namespace jackdaw {
extern const Module xep0199_ping;
namespace {

// The pong comes from whom was pinged, carries the id, and is empty (XEP-0199 §4.2).
TEST(Ping, ServerAnswers) {
  TestServer server{xep0199_ping};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send("<iq type='get' id='p1' to='montague.lan'><ping xmlns='urn:xmpp:ping'/></iq>");
  romeo.expect("<iq type='result' id='p1' from='montague.lan' to='romeo@montague.lan/garden'/>");
}

TEST(Ping, OwnAccountAnswers) {
  TestServer server{xep0199_ping};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
  romeo.expect("<iq type='result' id='p1' from='romeo@montague.lan' to='romeo@montague.lan/garden'/>");
}

TEST(Ping, SetIsNotServed) {
  TestServer server{xep0199_ping};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send("<iq type='set' id='p2' to='montague.lan'><ping xmlns='urn:xmpp:ping'/></iq>");
  romeo.expect_error("p2", Condition::service_unavailable);
}

// RFC 6120 §13.10.2: a stranger cannot tell an account from none.
TEST(Ping, StrangersLearnNothing) {
  TestServer server{xep0199_ping};
  server.make_account("juliet@capulet.lan");
  auto romeo = server.login("romeo@montague.lan/garden");
  for (const char* whom : {"juliet", "nobody"}) {
    romeo.send(std::string("<iq type='get' id='p3' to='") + whom + "@capulet.lan'><ping xmlns='urn:xmpp:ping'/></iq>");
    romeo.expect_error("p3", Condition::service_unavailable);
  }
}

}  // namespace
}  // namespace jackdaw
