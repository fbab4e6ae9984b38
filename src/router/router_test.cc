// Homes, binding, fates and requests, on several cores.
// SPDX-License-Identifier: Apache-2.0
#include "router/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "router/reversible.h"
#include "router/test_shard.h"

namespace jackdaw {
namespace {

using namespace test;

TEST(HomeOf, IsTheSameEachTimeAndUsesAllCores) {
  TestShards shards{4};
  std::vector<int> there(4);
  for (int i = 0; i < 1000; ++i) {
    const auto bare = "u" + std::to_string(i) + "@montague.lan";
    const auto home = shards.server.home_of(bare);
    ASSERT_LT(home, 4U);
    EXPECT_EQ(shards.server.home_of(std::string(bare)), home);
    EXPECT_EQ(&shards.server.home(bare), &shards.shard(home));
    EXPECT_EQ(shards.home_of(*Jid::parse(bare + "/any")), home);
    ++there[home];
  }
  for (const int accounts : there) EXPECT_GT(accounts, 150);
}

// RFC 6120 §7.7.2.2.
TEST(Attach, OfAResourceThatIsConnected) {
  TestShards shards;
  const auto old = shards.connect("juliet@capulet.lan/balcony");
  const auto young = std::make_shared<ListeningSession>(old->jid());
  EXPECT_EQ(shards.attach(young, BindConflict::refuse), Attached::Outcome::conflict);
  EXPECT_FALSE(old->ended);
  EXPECT_EQ(shards.attach(young, BindConflict::replace), Attached::Outcome::attached);
  ASSERT_TRUE(old->ended);
  EXPECT_EQ(old->ended->condition, StreamCondition::conflict);
  shards.route(stanza(Kind::message, Type::chat, "a@montague.lan", "juliet@capulet.lan/balcony", "1"));
  EXPECT_EQ(shards.taken(young), "message chat 1");
  EXPECT_EQ(shards.taken(old), "");
}

TEST(Attach, HasALimitAndNeedsAnAccount) {
  TestShards shards;
  shards.connect("juliet@capulet.lan/1");
  shards.connect("juliet@capulet.lan/2");
  const auto third = std::make_shared<ListeningSession>(*Jid::parse("juliet@capulet.lan/3"));
  EXPECT_EQ(shards.attach(third, BindConflict::replace, 2), Attached::Outcome::too_many);
  const auto nobody = std::make_shared<ListeningSession>(*Jid::parse("tybalt@capulet.lan/3"));
  EXPECT_EQ(shards.attach(nobody, BindConflict::replace), Attached::Outcome::no_account);
}

TEST(Attach, WithKeysOfAnOldPasswordIsRefused) {
  TestShards shards;
  AccountRecord record{.jid = *BareJid::parse("juliet@capulet.lan")};
  const auto change = [&](const std::string& key) {
    record.keys.front() = ScramKeys{.stored_key = key};
    shards.on(0, [&] { shards.shard(0).router().refresh(record.jid, record); });
    return mark_of(record.keys);
  };
  shards.connect("juliet@capulet.lan/1");
  const auto second = std::make_shared<ListeningSession>(*Jid::parse("juliet@capulet.lan/2"));
  const auto old_keys = change("old"), new_keys = change("new");
  EXPECT_EQ(shards.attach(second, BindConflict::replace, 20, old_keys), Attached::Outcome::no_account);
  EXPECT_EQ(shards.attach(second, BindConflict::replace, 20, new_keys), Attached::Outcome::attached);
  const auto certified = std::make_shared<ListeningSession>(*Jid::parse("juliet@capulet.lan/3"));
  EXPECT_EQ(shards.attach(certified, BindConflict::replace, 20), Attached::Outcome::attached);
}

TEST(Route, BetweenAllCoresAndTheFateComesBack) {
  TestShards shards{3};
  std::vector<Listening> sessions;
  for (int i = 0; i < 12; ++i) sessions.push_back(shards.connect("u" + std::to_string(i) + "@montague.lan/r"));
  const auto sender = sessions.front();
  const auto here = shards.home_of(sender->jid());
  shards.on(here, [&] { shards.shard(here).router().enlist(77, sender.get()); });
  std::uint32_t number = 0, at_once = 0;
  for (const auto& session : sessions) {
    const auto fate = shards.route(stanza(Kind::message, Type::chat, sender->jid().text(), session->jid().text(), "1"),
                                   here, {static_cast<std::uint32_t>(here), number++, 77});
    EXPECT_EQ(fate.has_value(), shards.home_of(session->jid()) == here);
    if (fate) ++at_once;
    EXPECT_EQ(shards.taken(session), "message chat 1");
  }
  shards.on(here, [&] {
    EXPECT_EQ(sender->settled_numbers.size() + at_once, sessions.size());
    EXPECT_LT(at_once, sessions.size());  // else nothing went to another core
    shards.shard(here).router().strike_off(77);
  });
}

TEST(Route, KeepsTheOrderWhileTheAccountWakes) {
  TestShards shards;
  const auto juliet = shards.connect("juliet@capulet.lan/balcony");
  shards.on(0, [&] {
    Router& router = shards.shard(0).router();
    for (int i = 0; i < 100; ++i)
      router.route(
          stanza(Kind::message, Type::normal, "a@montague.lan", "juliet@capulet.lan/balcony", std::to_string(i)));
  });
  shards.on(0, [&] {
    ASSERT_EQ(juliet->got.size(), 100U);
    for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(juliet->got[i]->raw_id(), std::to_string(i));
  });
}

Task<Reply> pong(IqRequest) { co_return Reply::empty(); }
Task<Reply> fails(IqRequest) {
  throw std::runtime_error("a bug");
  co_return Reply::empty();
}
Task<Reply> forbids(IqRequest) { co_return StanzaError{Condition::forbidden}; }
Task<Reply> own(IqRequest iq) { co_return Reply::wrap({"urn:own", "account"}, iq.account().text()); }

const Module answers{.name = "answers", .summary = "Answers.", .setup = [](Domain& domain) {
                       domain.on_iq({Type::get, {To::domain}, {"urn:ping", "ping"}}, pong);
                       domain.on_iq({Type::get, {To::domain}, {"urn:fails", "q"}}, fails);
                       domain.on_iq({Type::get, {To::domain}, {"urn:forbids", "q"}}, forbids);
                       domain.on_iq({Type::get, {To::own_account}, {"urn:own", "q"}}, own);
                     }};

// STYLE, invariant 6: exactly one reply, also when the handler throws.
TEST(Requests, GetExactlyOneReply) {
  TestShards shards{2, &answers};
  const auto romeo = shards.connect("romeo@montague.lan/garden");
  const auto here = shards.home_of(romeo->jid());
  const auto asked = [&](Type type, std::string_view to, std::string_view payload) {
    shards.route(stanza(Kind::iq, type, romeo->jid().text(), to, "1", payload), here);
    return shards.taken(romeo);
  };
  EXPECT_EQ(asked(Type::get, "montague.lan", "<ping xmlns='urn:ping'/>"), "iq result 1");
  EXPECT_EQ(asked(Type::get, "montague.lan", "<q xmlns='urn:fails'/>"), "iq error 1 internal-server-error");
  EXPECT_EQ(asked(Type::get, "montague.lan", "<q xmlns='urn:forbids'/>"), "iq error 1 forbidden");
  EXPECT_EQ(asked(Type::set, "montague.lan", "<ping xmlns='urn:ping'/>"), "iq error 1 service-unavailable");
  EXPECT_EQ(asked(Type::get, "romeo@montague.lan", "<q xmlns='urn:own'/>"), "iq result 1");
  shards.make_account(*BareJid::parse("juliet@capulet.lan"));
  EXPECT_EQ(asked(Type::get, "juliet@capulet.lan", "<q xmlns='urn:own'/>"), "iq error 1 service-unavailable");
}

TEST(Rest, AnAccountWithoutResourcesLeavesMemoryAfterAMinute) {
  TestShards shards;
  const auto juliet = shards.connect("juliet@capulet.lan/balcony");
  shards.connect("romeo@montague.lan/garden");
  const auto awake = [&](std::string_view bare) {
    bool there = false;
    shards.on(0, [&] { there = shards.shard(0).router().find_awake(bare) != nullptr; });
    return there;
  };
  shards.on(0, [&] { shards.shard(0).router().detach(juliet, {}); });
  EXPECT_TRUE(awake("juliet@capulet.lan"));
  shards.clock.pass(200s);
  shards.settle();
  shards.clock.pass(200s);
  shards.settle();
  EXPECT_FALSE(awake("juliet@capulet.lan"));
  EXPECT_TRUE(awake("romeo@montague.lan"));
}

}  // namespace
}  // namespace jackdaw
