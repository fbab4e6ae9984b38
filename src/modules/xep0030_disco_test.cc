// XEP-0030 and XEP-0157: what the server and its accounts say of themselves, and to whom.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "modules/test_server.h"

namespace jackdaw {
extern const Module roster, xep0012_last, xep0030_disco, xep0115_caps, xep0157_contact, xep0199_ping;
namespace {

std::string ask(std::string_view to, std::string_view what, std::string_view node = {}) {
  std::string iq = "<iq type='get' id='d' to='" + std::string(to) + "'><query xmlns='http://jabber.org/protocol/disco#";
  iq.append(what).append("'");
  if (!node.empty()) iq.append(" node='").append(node).append("'");
  return iq + "/></iq>";
}

std::string answer(std::string_view from, std::string_view what, std::string_view inside) {
  return "<iq type='result' id='d' from='" + std::string(from) + "' to='romeo@montague.lan/garden'>" +
         "<query xmlns='http://jabber.org/protocol/disco#" + std::string(what) + "'>" + std::string(inside) +
         "</query></iq>";
}

// XEP-0030 §3.1: identities, then every feature that a module has registered.
TEST(Disco, TheServerSaysWhatItIs) {
  TestServer server{xep0030_disco, xep0199_ping};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(ask("montague.lan", "info"));
  romeo.expect(answer("montague.lan", "info",
                      "<identity category='server' type='im' name='Jackdaw'/>"
                      "<feature var='http://jabber.org/protocol/disco#info'/>"
                      "<feature var='http://jabber.org/protocol/disco#items'/><feature var='urn:xmpp:ping'/>"));
}

TEST(Disco, ItemsAreThoseOfTheSetting) {
  TestServer server{xep0030_disco};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(ask("montague.lan", "items"));
  romeo.expect(answer("montague.lan", "items", ""));
  server.set("domain.montague.lan.disco.items=chat.lan,files.lan");
  romeo.send(ask("montague.lan", "items"));
  romeo.expect(answer("montague.lan", "items", "<item jid='chat.lan'/><item jid='files.lan'/>"));
  romeo.send(ask("capulet.lan", "items"));
  romeo.expect(answer("capulet.lan", "items", ""));
}

// XEP-0030 §3.2.
TEST(Disco, UnknownNodesAreNotFound) {
  TestServer server{xep0030_disco};
  auto romeo = server.login("romeo@montague.lan/garden");
  for (const char* to : {"montague.lan", "romeo@montague.lan"})
    for (const char* what : {"info", "items"}) {
      romeo.send(ask(to, what, "urn:example:node"));
      romeo.expect_error("d", Condition::item_not_found);
    }
}

TEST(Disco, OwnAccountIsDescribed) {
  TestServer server{xep0030_disco, xep0012_last};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(ask("romeo@montague.lan", "info"));
  romeo.expect(answer("romeo@montague.lan", "info",
                      "<identity category='account' type='registered'/>"
                      "<feature var='http://jabber.org/protocol/disco#info'/>"
                      "<feature var='http://jabber.org/protocol/disco#items'/><feature var='jabber:iq:last'/>"));
  romeo.send(ask("romeo@montague.lan", "items"));
  romeo.expect(answer("romeo@montague.lan", "items", ""));
}

// XEP-0030 §8: those who may see the presence (from, both), nobody else.
TEST(Disco, SubscribersSeeAnAccount) {
  TestServer server{roster, xep0030_disco};
  auto romeo = server.login("romeo@montague.lan/garden");
  for (auto allowed : {Subscription::from, Subscription::both}) {
    server.put_contact("juliet@capulet.lan", "romeo@montague.lan", allowed);
    romeo.send(ask("juliet@capulet.lan", "info"));
    romeo.expect(answer("juliet@capulet.lan", "info",
                        "<identity category='account' type='registered'/><feature var='jabber:iq:roster'/>"
                        "<feature var='http://jabber.org/protocol/disco#info'/>"
                        "<feature var='http://jabber.org/protocol/disco#items'/>"));
  }
}

TEST(Disco, StrangersCannotTellAnAccountFromNone) {
  TestServer server{roster, xep0030_disco};
  auto romeo = server.login("romeo@montague.lan/garden");
  server.put_contact("juliet@capulet.lan", "romeo@montague.lan", Subscription::to);
  for (const char* whom : {"juliet@capulet.lan", "nobody@capulet.lan"})
    for (const char* what : {"info", "items"}) {
      romeo.send(ask(whom, what));
      romeo.expect_error("d", Condition::service_unavailable);
    }
}

// XEP-0157 §3: fields with addresses only; a domain's own.
TEST(Contact, AddressesAreShownInAForm) {
  TestServer server{xep0030_disco, xep0157_contact};
  auto romeo = server.login("romeo@montague.lan/garden");
  server.set("domain.montague.lan.contact.abuse=mailto:abuse@montague.lan,xmpp:abuse@montague.lan");
  const std::string about =
      "<identity category='server' type='im' name='Jackdaw'/><feature var='http://jabber.org/protocol/disco#info'/>"
      "<feature var='http://jabber.org/protocol/disco#items'/>";
  romeo.send(ask("montague.lan", "info"));
  romeo.expect(answer("montague.lan", "info",
                      about + "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
                              "<value>http://jabber.org/network/serverinfo</value></field>"
                              "<field var='abuse-addresses' type='list-multi'><value>mailto:abuse@montague.lan</value>"
                              "<value>xmpp:abuse@montague.lan</value></field></x>"));
  romeo.send(ask("capulet.lan", "info"));
  romeo.expect(answer("capulet.lan", "info", about));
}

}  // namespace
}  // namespace jackdaw
