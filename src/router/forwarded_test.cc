// Stanzas inside of others: wrapped and taken out, also in the namespace of a component's stream.
// SPDX-License-Identifier: Apache-2.0
#include "router/forwarded.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

StanzaRef inner_of(const std::string& inside) {
  const auto outer =
      Stanza::from_xml("<message><privilege xmlns='urn:xmpp:privilege:2'>" + inside + "</privilege></message>");
  EXPECT_TRUE(outer) << inside;
  return outer ? stanza_forwarded_in(outer->first_child()) : nullptr;
}

TEST(Forwarded, ComesOutAsItWentIn) {
  for (const auto* xml : {"<message to='b@b.lan' from='a@a.lan' type='chat' id='1'><body>hi</body></message>",
                          "<presence from='a@a.lan/x'/>", "<message from='a@a.lan/&gt;&apos;'><body/></message>"}) {
    const auto stanza = Stanza::from_xml(xml);
    ASSERT_TRUE(stanza);
    const auto inner = inner_of(forwarded(*stanza));
    ASSERT_TRUE(inner) << forwarded(*stanza);
    EXPECT_EQ(inner->xml(), stanza->xml());
  }
}

TEST(Forwarded, MayBeInTheNamespaceOfAComponentsStream) {
  const auto inner = inner_of(
      "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:component:accept' to='b@b.lan' from='a@a.lan'>"
      "<body>jabber:component:accept</body><x xmlns='jabber:component:accept'/></message></forwarded>");
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->child({client_ns, "body"}).text(), "jabber:component:accept");
}

TEST(Forwarded, NothingButTheNamespaceIsChanged) {
  for (const std::string own : {"", " xmlns='jabber:component:accept'", " xmlns='jabber:client'"}) {
    const std::string words = " id='jabber:component:accept' to=\"b@b.lan/xmlns='jabber:component:accept'\"";
    const std::string around = own.empty()
                                   ? "<forwarded xmlns='urn:xmpp:forward:0' xmlns:c='jabber:component:accept'><c:"
                                   : "<forwarded xmlns='urn:xmpp:forward:0'><";
    for (const bool first : {true, false}) {
      const auto inner =
          inner_of(around + "message" + (first ? own + words : words + own) + " from='a@a.lan'/></forwarded>");
      ASSERT_TRUE(inner) << own;
      EXPECT_EQ(inner->raw_id(), "jabber:component:accept");
      EXPECT_EQ(inner->to().text(), "b@b.lan/xmlns='jabber:component:accept'");
    }
  }
}

TEST(Forwarded, IsOneStanzaOfClients) {
  EXPECT_FALSE(inner_of("<forwarded xmlns='urn:xmpp:forward:0'/>"));
  EXPECT_FALSE(inner_of("<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:server'/></forwarded>"));
  EXPECT_FALSE(inner_of("<forwarded xmlns='urn:xmpp:forward:0'><msg xmlns='jabber:client'/></forwarded>"));
  EXPECT_FALSE(inner_of("<forwarded xmlns='urn:example:forward'><message xmlns='jabber:client'/></forwarded>"));
  EXPECT_FALSE(inner_of("<message xmlns='jabber:client'/>"));
}

}  // namespace
}  // namespace jackdaw
