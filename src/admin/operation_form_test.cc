// Forms of operations: what is asked for, what of an answer counts, and how answers look.
// SPDX-License-Identifier: Apache-2.0
#include "admin/operation_form.h"

#include <gtest/gtest.h>

#include "stanza/stanza.h"

namespace jackdaw {
namespace {

const Operation paint{.words = "wall paint",
                      .arguments = {{"jid", ArgumentType::jid, "Whose."},
                                    {"colour", ArgumentType::text, "Which."},
                                    {"key", ArgumentType::password, "Its key.", Times::optional}},
                      .flags = {{"twice", "Two coats."}, {"with", "Further colours.", ArgumentType::text, Times::many}},
                      .summary = "Paints <a> wall."};

// Keeps the stanza alive for as long as its form is looked at.
Result<OperationValues> values(const std::string& fields) {
  const StanzaRef stanza =
      Stanza::from_xml("<iq type='set' id='1'><x xmlns='jabber:x:data' type='submit'>" + fields + "</x></iq>");
  EXPECT_TRUE(stanza);
  return values_from_form(paint, stanza->first_child());
}

std::string field(std::string_view var, std::string_view value) {
  return "<field var='" + std::string{var} + "'><value>" + std::string{value} + "</value></field>";
}

TEST(OperationForm, asks_for_each_word) {
  const std::string form = form_of(paint);
  for (const std::string_view part :
       {"<title>wall paint</title>", "<instructions>Paints &lt;a&gt; wall.</instructions>",
        "<field type='jid-single' var='jid' label='jid'><desc>Whose.</desc><required/></field>",
        "<field type='text-private' var='key' label='key'><desc>Its key.</desc></field>",
        "<field type='boolean' var='twice' label='twice'><desc>Two coats.</desc><value>0</value></field>",
        "<field type='text-multi' var='with' label='with'><desc>Further colours.</desc></field>"})
    EXPECT_NE(form.find(part), form.npos) << part << " in " << form;
}

TEST(OperationForm, takes_what_is_filled_in) {
  const auto all =
      values(field("jid", "a@b.example") + field("colour", "red") + field("twice", "1") +
             "<field var='with'><value>blue</value><value/><value>green</value></field>" + field("unknown", "x"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->one("jid"), "a@b.example");
  EXPECT_TRUE(all->has("twice"));
  EXPECT_EQ(all->many("with"), (std::vector<std::string>{"blue", "green"}));
  EXPECT_FALSE(all->has("unknown"));
  EXPECT_FALSE(all->has("key"));
}

TEST(OperationForm, an_empty_text_is_a_value_and_an_empty_address_none) {
  const auto empty = values(field("jid", "a@b.example") + field("colour", "") + field("key", "") + field("twice", "0"));
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->has("colour"));
  EXPECT_FALSE(empty->has("key"));
  EXPECT_FALSE(empty->has("twice"));
  for (const auto& lacking : {field("jid", "") + field("colour", "red"), field("colour", "red"),
                              field("jid", "a@b.example") + "<field var='colour'/>", std::string{}})
    EXPECT_FALSE(values(lacking)) << lacking;
}

TEST(OperationForm, what_is_not_clear_is_refused) {
  const std::string good = field("jid", "a@b.example") + field("colour", "red");
  EXPECT_TRUE(values(good));
  EXPECT_EQ(values(good + field("twice", "maybe")).failure().what, "twice is neither 1 nor 0");
  EXPECT_EQ(values("<field var='jid'><value>a@b.example</value><value>b@b.example</value></field>").failure().what,
            "jid has more than one value");
}

TEST(OperationForm, answers_are_tables_lines_or_notes) {
  EXPECT_EQ(xml_of({"done <well>\n"}), "<note type='info'>done &lt;well&gt;</note>");
  EXPECT_EQ(xml_of({"one\ntwo\n"}),
            "<x xmlns='jabber:x:data' type='result'><field type='text-multi' var='text' label='text'>"
            "<value>one</value><value>two</value></field></x>");
  OperationTable list{.columns = {"jid", "on"}, .rows = {{std::string{"a&b"}, true}}};
  EXPECT_EQ(xml_of({"more\n", list}),
            "<x xmlns='jabber:x:data' type='result'><reported><field type='text-single' var='jid' label='jid'></field>"
            "<field type='boolean' var='on' label='on'></field></reported><item><field var='jid'><value>a&amp;b</value>"
            "</field><field var='on'><value>1</value></field></item></x><note type='info'>more</note>");
  list.rows.clear();
  EXPECT_NE(xml_of({{}, list}).find("There are none."), std::string::npos);
  const OperationTable record{.shape = OperationTable::Shape::record, .columns = {"size"}, .rows = {{std::int64_t{7}}}};
  EXPECT_EQ(xml_of({{}, record}),
            "<x xmlns='jabber:x:data' type='result'><field type='text-single' var='size' label='size'><value>7</value>"
            "</field></x>");
}

TEST(OperationForm, nothing_leaves_xml) {
  const std::string odd = xml_of({"a\x01\xff\x7f\xef\xbf\xbe"});
  EXPECT_TRUE(Stanza::from_xml("<message><c xmlns='c'>" + odd + "</c></message>")) << odd;
}

}  // namespace
}  // namespace jackdaw
