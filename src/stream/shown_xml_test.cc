// What the log shows of XML: everything but what lets somebody in.
// SPDX-License-Identifier: Apache-2.0
#include "stream/shown_xml.h"

#include <gtest/gtest.h>

#include "xml/reader.h"

namespace jackdaw {
namespace {

// As a client sent it.
std::string shown(std::string_view xml) {
  ReaderScratch scratch;
  XmlReader reader;
  std::string bytes = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  bytes.append(xml);
  const auto size = bytes.size();
  bytes.append(XmlReader::padding, '\0');
  reader.feed(scratch, bytes.data(), size);
  EXPECT_EQ(reader.next(), XmlReader::Event::header);
  EXPECT_EQ(reader.next(), XmlReader::Event::element) << xml;
  return shown_xml(reader.element());
}

TEST(ShownXml, AStanzaAsItCame) {
  const std::string xml = "<message to='juliet@capulet.lan'><body>But soft</body></message>";
  EXPECT_EQ(shown(xml), xml);
}

TEST(ShownXml, NothingOfWhatHoldsASecret) {
  for (const std::string xml :
       {"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>hidden</auth>",
        "<response xmlns='urn:xmpp:sasl:2'>hidden</response>",
        "<iq type='set'><query xmlns='jabber:iq:register'><password>hidden</password></query></iq>",
        "<iq type='set'><query xmlns='jabber:iq:auth'><digest>hidden</digest></query></iq>",
        "<db:result xmlns:db='jabber:server:dialback' to='a' from='b'>hidden</db:result>",
        "<handshake xmlns='jabber:component:accept'>hidden</handshake>",
        "<iq><a xmlns='x'><b><c><password>hidden</password></c></b></a></iq>",
        "<iq><x xmlns='jabber:x:data'><field var='password-verify'><value>hidden</value></field></x></iq>",
        "<message><x xmlns='jabber:x:conference' jid='a@b.lan' password='hidden'/></message>",
        "<resume xmlns='urn:xmpp:sm:3' h='1' previd='hidden'/>",
        "<iq><put xmlns='urn:xmpp:http:upload:0'><header name='Cookie'>hidden</header></put></iq>",
        "<iq><command xmlns='http://jabber.org/protocol/commands'><x xmlns='jabber:x:data'>hidden</x></command></iq>",
        "<command xmlns='http://jabber.org/protocol/commands' status='a'><x xmlns='jabber:x:data'>hidden</x></command>",
        "<iq><p:query xmlns:p='jabber:iq:register'><p:key>hidden</p:key></p:query></iq>"}) {
    const std::string text = shown(xml);
    EXPECT_EQ(text.find("hidden"), text.npos) << text;
    EXPECT_NE(text.find("with a secret"), text.npos) << text;
  }
}

TEST(ShownXml, NotAllOfWhatIsLong) {
  const std::string text = shown("<message><body>" + std::string(100'000, 'x') + "</body></message>");
  EXPECT_LT(text.size(), 10'000U);
  EXPECT_TRUE(text.ends_with("x... (100032 bytes)")) << text.substr(text.size() - 40);
}

TEST(ShownXml, OfNonzasTheNameAlone) {
  EXPECT_EQ(shown_raw("<resumed xmlns='urn:xmpp:sm:3' previd='hidden'/>"), "<resumed> (48 bytes)");
  EXPECT_EQ(shown_raw("<stream:features><bind/></stream:features>"), "<stream:features><bind/></stream:features>");
  EXPECT_EQ(shown_raw(" "), "a blank, to see whether the peer is there");
}

}  // namespace
}  // namespace jackdaw
