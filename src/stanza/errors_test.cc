// Every condition of RFC 6120 §8.3.3 and §4.9.3 as it stands on the wire.
// SPDX-License-Identifier: Apache-2.0
#include "stanza/errors.h"

#include <gtest/gtest.h>

#include <set>

#include "stanza/stanza.h"

namespace jackdaw {
namespace {

constexpr int conditions = static_cast<int>(Condition::unexpected_request) + 1;
constexpr int stream_conditions = static_cast<int>(StreamCondition::unsupported_version) + 1;

// The <error/> of a message.
StanzaRef with_error(const StanzaError& error) {
  return Stanza::from_xml("<message type='error'>" + error.xml() + "</message>");
}

TEST(StanzaErrors, EachHasItsConditionATypeAndAText) {
  const std::set<std::string_view> types{"auth", "cancel", "continue", "modify", "wait"};  // RFC 6120 §8.3.2
  std::set<std::string_view> names;
  for (int i = 0; i < conditions; ++i) {
    const auto condition = static_cast<Condition>(i);
    const auto stanza = with_error({condition});
    ASSERT_TRUE(stanza) << name_of(condition);
    const Element error = stanza->first_child();
    EXPECT_EQ(error.local(), "error");
    EXPECT_TRUE(types.contains(error.attribute("type"))) << name_of(condition);
    EXPECT_TRUE(error.child({stanzas_ns, name_of(condition)})) << name_of(condition);
    EXPECT_FALSE(error.child({stanzas_ns, "text"}).text().empty()) << name_of(condition);
    names.insert(name_of(condition));
  }
  EXPECT_EQ(names.size(), 22U);
}

TEST(StanzaErrors, HaveTheTypesOfTheRfc) {
  EXPECT_EQ(type_of(Condition::bad_request), "modify");
  EXPECT_EQ(type_of(Condition::forbidden), "auth");
  EXPECT_EQ(type_of(Condition::item_not_found), "cancel");
  EXPECT_EQ(type_of(Condition::recipient_unavailable), "wait");
  EXPECT_EQ(type_of(Condition::service_unavailable), "cancel");
  EXPECT_EQ(name_of(Condition::unexpected_request), "unexpected-request");
}

TEST(StanzaErrors, OwnTextTypeAndDetails) {
  const auto stanza = with_error(
      {.condition = Condition::not_allowed, .text = "a < b & 'c'", .extra = "<reason xmlns='urn:x'/>", .type = "wait"});
  ASSERT_TRUE(stanza);
  const Element error = stanza->first_child();
  EXPECT_EQ(error.attribute("type"), "wait");
  EXPECT_EQ(error.child({stanzas_ns, "text"}).text(), "a < b & 'c'");
  EXPECT_TRUE(error.child({"urn:x", "reason"}));
}

TEST(StreamErrors, EachIsWellFormed) {
  std::set<std::string_view> names;
  for (int i = 0; i < stream_conditions; ++i) {
    const auto condition = static_cast<StreamCondition>(i);
    const auto xml = StreamError{condition, "1 < 2"}.xml();
    EXPECT_TRUE(Stanza::from_xml("<message>" + xml + "</message>")) << xml;
    names.insert(name_of(condition));
  }
  EXPECT_EQ(names.size(), 25U);
}

TEST(StreamErrors, AreWrittenForAStreamWithItsPrefix) {
  EXPECT_EQ((StreamError{StreamCondition::reset}.xml()),
            "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
  // RFC 6120 §4.9.3.19.
  EXPECT_EQ((StreamError{StreamCondition::see_other_host, {}, "[2001:db8::1]:5222"}.xml()),
            "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>[2001:db8::1]:5222"
            "</see-other-host></stream:error>");
}

TEST(StreamErrors, OfTheReader) {
  EXPECT_EQ(stream_error_of(XmlError::not_well_formed).condition, StreamCondition::not_well_formed);
  EXPECT_EQ(stream_error_of(XmlError::restricted_xml).condition, StreamCondition::restricted_xml);
  EXPECT_EQ(stream_error_of(XmlError::bad_namespace_prefix).condition, StreamCondition::bad_namespace_prefix);
  EXPECT_EQ(stream_error_of(XmlError::unsupported_encoding).condition, StreamCondition::unsupported_encoding);
  for (const auto limit : {XmlError::too_big, XmlError::too_many_elements, XmlError::too_deep,
                           XmlError::too_many_attributes, XmlError::too_many_namespaces})
    EXPECT_EQ(stream_error_of(limit).condition, StreamCondition::policy_violation) << name_of(limit);
}

}  // namespace
}  // namespace jackdaw
