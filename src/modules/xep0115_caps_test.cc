// XEP-0115: the hash of what the server can do, and the node it stands for.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "modules/test_server.h"
#include "router/disco_answer.h"

namespace jackdaw {
extern const Module xep0030_disco, xep0115_caps, xep0157_contact;
namespace {

// XEP-0115 §5.2, the simple example.
TEST(Caps, HashOfTheExample) {
  const DiscoInfo exodus{.identities = {{"client", "pc", "Exodus 0.9.1"}},
                         .features = {"http://jabber.org/protocol/muc", "http://jabber.org/protocol/disco#info",
                                      "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/caps"}};
  EXPECT_EQ(verification_string(exodus), "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

// As in §5.3, without languages: the text written out by hand and hashed with another program.
TEST(Caps, FormsAreSortedAndHashed) {
  DiscoInfo psi{.identities = {{"client", "pc", "Psi"}}, .features = {"b", "a"}};
  psi.forms.push_back({.type = "urn:example:form", .fields = {{"os", {"Mac"}}, {"ip", {"ipv6", "ipv4"}}}});
  EXPECT_EQ(verification_string(psi), "4VymUV6uWY02xIis2LPGrAwjCv4=");
}

// XEP-0115 §6.3, §6.2: the stream feature's node and hash are a node that is answered like the domain itself.
TEST(Caps, TheNodeOfTheStreamFeatureIsAnswered) {
  TestServer server{xep0030_disco, xep0115_caps, xep0157_contact};
  server.set("contact.admin=mailto:admin@montague.lan");
  const std::string feature = server.features("montague.lan", StreamFeature::When::after_authentication);
  const auto at = feature.find("ver='") + 5;
  const std::string node = "urn:jackdaw#" + feature.substr(at, feature.find('\'', at) - at);
  EXPECT_EQ(feature.find("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:jackdaw'"), 0U) << feature;

  auto romeo = server.login("romeo@montague.lan/garden");
  const std::string before =
      "<iq type='get' id='1' to='montague.lan'>"
      "<query xmlns='http://jabber.org/protocol/disco#info'";
  romeo.send(before + "/></iq>");
  std::string plain = romeo.next();
  romeo.send(before + " node='" + node + "'/></iq>");
  const std::string attribute = " node='" + node + "'";
  std::string of_node = romeo.next();
  ASSERT_NE(of_node.find(attribute), std::string::npos) << of_node;
  of_node.erase(of_node.find(attribute), attribute.size());
  EXPECT_EQ(of_node, plain);
  EXPECT_NE(plain.find("<feature var='http://jabber.org/protocol/caps'/>"), std::string::npos);
}

TEST(Caps, AnOldHashIsNotFound) {
  TestServer server{xep0030_disco, xep0115_caps};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send(
      "<iq type='get' id='1' to='montague.lan'>"
      "<query xmlns='http://jabber.org/protocol/disco#info'"
      " node='urn:jackdaw#QgayPKawpkPSDYmwT/WM94uAlu0='/></iq>");
  romeo.expect_error("1", Condition::item_not_found);
}

}  // namespace
}  // namespace jackdaw
