// Small answers of the server: XEP-0092, XEP-0202, and what XEP-0203 and XEP-0334 say in disco#info.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "modules/test_server.h"
#include "router/hints.h"

namespace jackdaw {
extern const Module xep0092_version, xep0202_time, xep0203_delay, xep0334_hints, xep0030_disco;
namespace {

// XEP-0092 §5: the operating system only when the administrator wants it.
TEST(Version, NameAndVersion) {
  TestServer server{xep0092_version};
  auto romeo = server.login("romeo@montague.lan/garden");
  const std::string asked = "<iq type='get' id='1' to='montague.lan'><query xmlns='jabber:iq:version'/></iq>";
  const std::string before =
      "<iq type='result' id='1' from='montague.lan' to='romeo@montague.lan/garden'>"
      "<query xmlns='jabber:iq:version'><name>Jackdaw</name><version>*</version>";
  romeo.send(asked);
  romeo.expect(before + "</query></iq>");
  server.set("version.show_os=true");
  romeo.send(asked);
  romeo.expect(before + "<os>*</os></query></iq>");
}

// XEP-0202 §3: the formats of XEP-0082.
TEST(Time, UtcAndOffset) {
  TestServer server{xep0202_time};
  auto romeo = server.login("romeo@montague.lan/garden");
  server.pass(std::chrono::hours{24});
  const TimePoint before = server.server().clock->wall();
  romeo.send("<iq type='get' id='1' to='montague.lan'><time xmlns='urn:xmpp:time'/></iq>");
  const std::string got = romeo.next();
  EXPECT_NE(got.find("<tzo>+00:00</tzo><utc>"), std::string::npos) << got;
  const auto at = got.find("<utc>") + 5;
  const std::string utc = got.substr(at, got.find("</utc>") - at);
  EXPECT_EQ(utc.substr(0, 13), to_datetime(before).substr(0, 13));
  EXPECT_EQ(utc.back(), 'Z');
}

TEST(Hints, AreFoundByName) {
  const auto stanza =
      Stanza::from_xml("<message from='a@b' to='c@d'><no-store xmlns='urn:xmpp:hints'/><store xmlns='x'/></message>");
  ASSERT_TRUE(stanza);
  EXPECT_TRUE(has_hint(*stanza, "no-store"));
  EXPECT_FALSE(has_hint(*stanza, "store"));
  EXPECT_FALSE(has_hint(*stanza, "no-copy"));
}

TEST(Features, DelayAndHintsAreAdvertised) {
  TestServer server{xep0030_disco, xep0203_delay, xep0334_hints};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send("<iq type='get' id='1' to='montague.lan'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
  const std::string got = romeo.next();
  for (const char* feature : {"urn:xmpp:delay", "urn:xmpp:hints"})
    EXPECT_NE(got.find("<feature var='" + std::string(feature) + "'/>"), std::string::npos) << got;
}

}  // namespace
}  // namespace jackdaw
