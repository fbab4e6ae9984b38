// Requests and answers go through JSON unchanged; broken ones are refused; a terminal gets no control characters.
// SPDX-License-Identifier: Apache-2.0
#include "admin/wire.h"

#include <gtest/gtest.h>

namespace jackdaw {
namespace {

const OperationTable two_rows{
    .columns = {"jid", "sessions", "admin"},
    .rows = {{"romeo@example.org", std::int64_t{2}, true}, {"jul\u00EDa@example.org", std::int64_t{10}, false}}};

TEST(Wire, RequestThereAndBack) {
  OperationRequest request{"user add", {}};
  request.values.add("jid", "romeo@example.org");
  request.values.add("password", "a\n\"b\"\\ \xE2\x82\xAC");
  request.values.add("set", "a=1");
  request.values.add("set", "b=2");
  const std::string line = json_of(request);
  EXPECT_EQ(line.find('\n'), line.npos);
  const auto back = request_from_json(line);
  ASSERT_TRUE(back) << back.failure().what;
  EXPECT_EQ(back->operation, "user add");
  EXPECT_EQ(back->values.all(), request.values.all());
}

TEST(Wire, WhatIsNoRequestIsRefused) {
  for (const char* line : {"", "{", "[]", "7", "{}", R"({"operation":7,"values":{}})", R"({"operation":"a"})",
                           R"({"operation":"a","values":{"b":"c"}})", R"({"operation":"a","values":{"b":[1]}})",
                           R"({"operation":"a","values":{}} x)"})
    EXPECT_FALSE(request_from_json(line)) << line;
  EXPECT_FALSE(request_from_json(std::string(longest_request, '[')));
}

TEST(Wire, AnswersThereAndBack) {
  const auto back = result_from_json(json_of(OperationResult{OperationAnswer{"more\n", two_rows}}));
  ASSERT_TRUE(back) << back.failure().what;
  EXPECT_EQ(back->text, "more\n");
  ASSERT_TRUE(back->table);
  EXPECT_EQ(back->table->columns, two_rows.columns);
  EXPECT_EQ(back->table->rows, two_rows.rows);
  const auto refused = result_from_json(json_of(OperationResult{Failure{"no"}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.failure().what, "no");
}

TEST(Wire, WhatIsNoAnswerIsAFailure) {
  for (const char* line :
       {"", "{}", "[]", R"({"text":"","rows":[]})", R"({"text":"","shape":"list","columns":["a"],"rows":[[1,2]]})"})
    EXPECT_FALSE(result_from_json(line)) << line;
}

TEST(Wire, TablesForPeople) {
  EXPECT_EQ(text_of({"more\n", two_rows}),
            "jid                sessions  admin\n"
            "romeo@example.org  2         yes\n"
            "jul\u00EDa@example.org  10        no\n"
            "more\n");
  OperationTable one = two_rows;
  one.shape = OperationTable::Shape::record;
  one.rows.pop_back();
  EXPECT_EQ(text_of({"", one}), "jid:      romeo@example.org\nsessions: 2\nadmin:    yes\n");
}

TEST(Wire, NothingMovesTheCursor) {
  const OperationTable table{.columns = {"jid"}, .rows = {{std::string{"a@b/\x1b[2J\n"}}}};
  const std::string text = text_of({"", table});
  EXPECT_EQ(text.find('\x1b'), text.npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(Wire, TablesForPrograms) {
  EXPECT_EQ(json_for_programs({"", two_rows}),
            R"([{"jid":"romeo@example.org","sessions":2,"admin":true},)"
            "{\"jid\":\"jul\u00EDa@example.org\",\"sessions\":10,\"admin\":false}]\n");
  EXPECT_EQ(json_for_programs({"done\n"}), "{\"text\":\"done\\n\"}\n");
  EXPECT_EQ(json_for_programs({"", OperationTable{.columns = {"a"}}}), "[]\n");
}

}  // namespace
}  // namespace jackdaw
