// Stanzas from the wire, from the server's own parts and from the store, and what their receivers see.
// SPDX-License-Identifier: Apache-2.0
#include "stanza/stanza.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace jackdaw {
namespace {

const Jid romeo = *Jid::parse("romeo@montague.lan/garden");
const Jid juliet = *Jid::parse("juliet@capulet.lan/balcony");

// As a client sent it, on a stream of language `lang`.
StanzaRef sent(std::string_view xml, StanzaHeader header) {
  ReaderScratch scratch;
  XmlReader reader;
  std::string bytes = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  bytes.append(xml);
  const auto size = bytes.size();
  bytes.append(XmlReader::padding, '\0');
  reader.feed(scratch, bytes.data(), size);
  EXPECT_EQ(reader.next(), XmlReader::Event::header);
  EXPECT_EQ(reader.next(), XmlReader::Event::element) << xml;
  return Stanza::make(reader, header);
}
StanzaRef chat(std::string_view xml) { return sent(xml, {Kind::message, Type::chat, romeo, juliet}); }

TEST(Stanza, TheServerSaysWhoItIsFromAndFor) {
  const auto stanza =
      chat("<message from='evil@x.lan' to='JULIET@capulet.lan/balcony' type='chat' id='m1'><body>Hi</body></message>");
  EXPECT_EQ(stanza->xml(),
            "<message to='juliet@capulet.lan/balcony' from='romeo@montague.lan/garden' type='chat' "
            "id='m1'><body>Hi</body></message>");
  EXPECT_EQ(stanza->payload(), "<body>Hi</body>");
  EXPECT_EQ(stanza->first_child().text(), "Hi");
  EXPECT_EQ(stanza->from().resourcepart(), "garden");
  EXPECT_TRUE(stanza->child({client_ns, "body"}));
  EXPECT_FALSE(stanza->child({client_ns, "subject"}));
}

// RFC 6120 §8.4.
TEST(Stanza, OtherAttributesTravelAlong) {
  const auto stanza = chat("<message a='1' xmlns:x='urn:x' x:b=\"it's\" xml:lang='de' id='m1'/>");
  const auto xml = stanza->xml();
  for (const auto part : {" a='1'", " xmlns:x='urn:x'", " x:b=\"it's\"", " xml:lang='de'", " id='m1'"})
    EXPECT_NE(xml.find(part), std::string::npos) << part << " in " << xml;
  EXPECT_TRUE(Stanza::from_xml(xml)) << xml;
}

TEST(Stanza, QuotesWithinDoubleQuotesAreEscaped) {
  const auto stanza = chat("<message id=\"it's &quot;1&quot;\" xml:lang=\"d'e\"/>");
  EXPECT_EQ(stanza->xml(),
            "<message to='juliet@capulet.lan/balcony' from='romeo@montague.lan/garden' type='chat' "
            "id='it&apos;s &quot;1&quot;' xml:lang='d&apos;e'/>");
  const auto again = Stanza::from_xml(stanza->xml());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->element().attribute("id"), "it's \"1\"");
}

// RFC 6120 §8.1.5.
TEST(Stanza, TheStreamsLanguageStandsInForAMissingOne) {
  const StanzaHeader header{Kind::message, Type::normal, romeo, juliet, "fr"};
  EXPECT_EQ(sent("<message/>", header)->raw_lang(), "fr");
  EXPECT_EQ(sent("<message xml:lang='de'/>", header)->raw_lang(), "de");
  EXPECT_EQ(sent("<message xml:lang=''/>", header)->raw_lang(), "");
}

TEST(Stanza, AddressesAreEscapedInAttributes) {
  const Jid odd = *Jid::parse("romeo@montague.lan/O'Neil <&>");
  const auto stanza = Stanza::make({Kind::message, Type::normal, odd, odd}, "1", "");
  EXPECT_EQ(stanza->xml(),
            "<message to='romeo@montague.lan/O&apos;Neil &lt;&amp;&gt;' "
            "from='romeo@montague.lan/O&apos;Neil &lt;&amp;&gt;' id='1'/>");
  const auto again = Stanza::from_xml(stanza->xml());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->from().text(), odd.text());
  EXPECT_EQ(again->to().resourcepart(), "O'Neil <&>");
}

TEST(Stanza, WritesAnotherReceiver) {
  const auto stanza = Stanza::make({Kind::presence, Type::available, romeo, {}}, {}, "<show>away</show>");
  EXPECT_FALSE(stanza->has_to());
  std::string out = "before ";
  stanza->write(out, juliet);
  EXPECT_EQ(
      out,
      "before <presence to='juliet@capulet.lan/balcony' from='romeo@montague.lan/garden'><show>away</show></presence>");
  const Jid odd = *Jid::parse("a@b.lan/it's");
  out.clear();
  stanza->write(out, odd);
  EXPECT_NE(out.find("to='a@b.lan/it&apos;s'"), std::string::npos);
}

TEST(Stanza, WithOtherAddressesKeepsTheRest) {
  const auto stanza = chat("<message id='m1' xml:lang='de' a='1'><body>Hi</body></message>");
  const auto other = stanza->with(juliet, romeo);
  EXPECT_EQ(other->xml(),
            "<message to='romeo@montague.lan/garden' from='juliet@capulet.lan/balcony' type='chat' id='m1' "
            "xml:lang='de' a='1'><body>Hi</body></message>");
  EXPECT_EQ(stanza->from().text(), romeo.text());
  EXPECT_EQ(other->first_child().text(), "Hi");
}

TEST(Stanza, SurvivesTheStore) {
  const auto stanza =
      chat("<message id='m1' xml:lang='de' a='1'><body>Hi &amp; bye</body><x xmlns='urn:x'/></message>");
  const auto again = Stanza::from_xml(stanza->xml());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->xml(), stanza->xml());
  EXPECT_EQ(again->kind(), Kind::message);
  EXPECT_EQ(again->type(), Type::chat);
  for (const auto none : {"", "text", "<message>", "<message type='chat'", "<other/>", "<iq type='none'/>", "<iq/>"})
    EXPECT_FALSE(Stanza::from_xml(none)) << none;
}

TEST(Stanza, OfTheServersOwnMakingIsChecked) {
  EXPECT_EQ(Stanza::make({Kind::iq, Type::result, {}, romeo}, "a'b", "")->raw_id(), "a&apos;b");
  EXPECT_THROW(Stanza::make({Kind::iq, Type::result, {}, romeo}, "1", "<open>"), Bug);
}

TEST(Types, OfEachKind) {
  EXPECT_EQ(type_of(Kind::message, ""), Type::normal);
  EXPECT_EQ(type_of(Kind::message, "unknown"), Type::normal);  // RFC 6121 §5.2.2
  EXPECT_EQ(type_of(Kind::message, "error"), Type::error);
  EXPECT_EQ(type_of(Kind::presence, ""), Type::available);
  EXPECT_EQ(type_of(Kind::presence, "probe"), Type::probe);
  EXPECT_EQ(type_of(Kind::presence, "chat"), std::nullopt);
  EXPECT_EQ(type_of(Kind::iq, "get"), Type::get);
  EXPECT_EQ(type_of(Kind::iq, ""), std::nullopt);
  EXPECT_EQ(kind_of("iq"), Kind::iq);
  EXPECT_EQ(kind_of("Iq"), std::nullopt);
}

// RFC 6120 §8.3.1.
TEST(Replies, ErrorsAndResultsAreNeverAnsweredWithAnError) {
  const StanzaError refused{Condition::forbidden};
  for (const Kind kind : {Kind::message, Kind::presence, Kind::iq})
    EXPECT_FALSE(error_reply(*Stanza::make({kind, Type::error, romeo, juliet}, "1", ""), refused));
  EXPECT_FALSE(error_reply(*Stanza::make({Kind::iq, Type::result, romeo, juliet}, "1", ""), refused));
}

TEST(Replies, GoBackWithTheSameId) {
  const auto request = sent("<iq id=\"it's\" type='get'><q xmlns='urn:q'/></iq>", {Kind::iq, Type::get, romeo, juliet});
  const auto error = error_reply(*request, {Condition::item_not_found, "No such thing."});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to().text(), romeo.text());
  EXPECT_EQ(error->from().text(), juliet.text());
  EXPECT_EQ(error->raw_id(), request->raw_id());
  EXPECT_EQ(error->type(), Type::error);
  EXPECT_EQ(error->first_child().child({stanzas_ns, "text"}).text(), "No such thing.");
  EXPECT_EQ(result_reply(*request)->xml(),
            "<iq to='romeo@montague.lan/garden' from='juliet@capulet.lan/balcony' type='result' id='it&apos;s'/>");
}

TEST(IsSubscription, OnlyWithAReceiver) {
  EXPECT_TRUE(is_subscription(*Stanza::make({Kind::presence, Type::subscribe, romeo, juliet}, "", "")));
  EXPECT_TRUE(is_subscription(*Stanza::make({Kind::presence, Type::unsubscribed, romeo, juliet}, "", "")));
  EXPECT_FALSE(is_subscription(*Stanza::make({Kind::presence, Type::subscribe, romeo, {}}, "", "")));
  EXPECT_FALSE(is_subscription(*Stanza::make({Kind::presence, Type::probe, romeo, juliet}, "", "")));
  EXPECT_FALSE(is_subscription(*Stanza::make({Kind::presence, Type::unavailable, romeo, juliet}, "", "")));
}

}  // namespace
}  // namespace jackdaw
