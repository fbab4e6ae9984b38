// Who may do what: rights, domains, accounts that have rights themselves, and values that fit no operation.
// SPDX-License-Identifier: Apache-2.0
#include "admin/perform.h"

#include <gtest/gtest.h>

#include "net/start_loop.h"
#include "router/shard.h"

namespace jackdaw {
namespace {

Task<OperationResult> say_done(OperationContext& context, OperationValues) {
  co_return OperationAnswer{"done by " + context.actor.name + '\n'};
}
Task<OperationResult> fail(OperationContext&, OperationValues) { throw Bug("on purpose"); }

const Operation look{.words = "look", .summary = "Looks.", .right = Right::monitors, .run = say_done};
const Operation change{.words = "change",
                       .arguments = {{"jid", ArgumentType::jid, "Whose."}},
                       .flags = {{.name = "much", .help = "More.", .right = Right::all}},
                       .summary = "Changes.",
                       .right = Right::users,
                       .concerns = {"jid"},
                       .run = say_done};
const Operation list{.words = "list",
                     .arguments = {{"domain", ArgumentType::domain, "Of it.", Times::optional}},
                     .summary = "Lists.",
                     .right = Right::users,
                     .concerns = {"domain"},
                     .run = say_done};
const Operation keep{
    .words = "keep", .arguments = {{"file", ArgumentType::file, "Where."}}, .summary = "Keeps.", .run = say_done};
const Operation broken{.words = "broken", .summary = "Fails.", .right = Right::nothing, .run = fail};

class PerformTest : public testing::Test {
 protected:
  std::string perform_as(std::string_view rights, std::string words,
                         std::vector<std::pair<std::string, std::string>> said = {}) {
    OperationContext context{.server = &server_, .operations = &operations_};
    OperationValues values;
    for (auto& [name, text] : said) values.add(name, std::move(text));
    const auto result =
        loop_.run(perform(context, {"she", *Rights::parse(rights)}, std::move(words), std::move(values)));
    EXPECT_EQ(context.under_way, 0);
    return result ? result->text : result.failure().what;
  }

  void make_account(std::string_view jid, std::string rights) {
    AccountRecord record{.jid = *BareJid::parse(jid)};
    record.rights = std::move(rights);
    EXPECT_TRUE(loop_.run(store_->accounts().create(std::move(record), false)));
  }

  StartLoop loop_;
  std::unique_ptr<Store> store_ = make_memory_store();
  Server server_{.store = store_.get()};
  std::vector<const Operation*> operations_{&look, &change, &list, &keep, &broken};
};

constexpr auto done = "done by she\n";

TEST_F(PerformTest, a_right_for_the_server_is_one_for_everything) {
  EXPECT_EQ(perform_as("monitors", "look"), done);
  EXPECT_EQ(perform_as("all", "look"), done);
  EXPECT_EQ(perform_as("users", "change", {{"jid", "a@montague.lan"}}), done);
  EXPECT_EQ(perform_as("users", "list"), done);
  EXPECT_EQ(perform_as("users", "look"), "look: needs the right monitors for the whole server; she has users");
  EXPECT_EQ(perform_as("none", "look"), "look: needs the right monitors for the whole server; she has none");
}

TEST_F(PerformTest, a_right_for_a_domain_is_for_what_concerns_it_alone) {
  EXPECT_EQ(perform_as("users@montague.lan", "change", {{"jid", "a@montague.lan"}}), done);
  EXPECT_EQ(perform_as("users@montague.lan", "change", {{"jid", "a@MONTAGUE.lan/x"}}), done);
  EXPECT_EQ(perform_as("users@montague.lan", "list", {{"domain", "Montague.lan"}}), done);
  for (const std::string wrong : {"a@capulet.lan", "a@sub.montague.lan", "a@@montague.lan", "", "a@montague.lan@b.lan"})
    EXPECT_NE(perform_as("users@montague.lan", "change", {{"jid", wrong}}), done) << wrong;
  EXPECT_NE(perform_as("users@montague.lan", "change", {{"jid", "a@montague.lan"}, {"jid", "b@capulet.lan"}}), done);
  EXPECT_NE(perform_as("users@montague.lan", "list"), done);
  EXPECT_NE(perform_as("monitors@montague.lan", "look"), done);
}

TEST_F(PerformTest, nobody_changes_who_has_more_rights) {
  make_account("plain@montague.lan", "");
  make_account("helper@montague.lan", "users@montague.lan");
  make_account("chief@montague.lan", "all");
  make_account("odd@montague.lan", "rights of a later server");
  const auto change_as = [&](std::string_view rights, std::string who) {
    return perform_as(rights, "change", {{"jid", std::move(who)}}) == done;
  };
  EXPECT_TRUE(change_as("users@montague.lan", "plain@montague.lan"));
  EXPECT_TRUE(change_as("users@montague.lan", "helper@montague.lan"));
  EXPECT_TRUE(change_as("users@montague.lan", "nobody@montague.lan"));
  EXPECT_FALSE(change_as("users@montague.lan", "chief@montague.lan"));
  EXPECT_FALSE(change_as("users", "CHIEF@montague.lan/x"));
  EXPECT_FALSE(change_as("users", "odd@montague.lan"));
  EXPECT_TRUE(change_as("all", "odd@montague.lan"));
}

TEST_F(PerformTest, a_flag_may_need_more) {
  const std::pair<std::string, std::string> whose{"jid", "a@montague.lan"};
  EXPECT_EQ(perform_as("users", "change", {whose, {"much", "true"}}),
            "change: needs the right all for the whole server; she has users");
  EXPECT_EQ(perform_as("all", "change", {whose, {"much", "true"}}), done);
}

TEST_F(PerformTest, what_is_in_no_table_is_refused) {
  EXPECT_EQ(perform_as("all", "dance"), "there is no operation \"dance\" in this server");
  EXPECT_EQ(perform_as("all", "look", {{"more", "x"}}), "look: more is none of its words");
  EXPECT_EQ(perform_as("all", "change"), "change: jid is missing");
  EXPECT_EQ(perform_as("all", "keep", {{"file", "here"}}), "here: not the whole path of a file, from / on");
  EXPECT_EQ(perform_as("all", "keep", {{"file", "/here"}}), done);
  EXPECT_EQ(perform_as("users", "keep", {{"file", "/here"}}),
            "keep: needs the right all for the whole server; she has users");
}

TEST_F(PerformTest, a_bug_is_told) {
  EXPECT_EQ(perform_as("none", "broken"), "broken: failed by a mistake of the server's own; the log says which");
}

}  // namespace
}  // namespace jackdaw
