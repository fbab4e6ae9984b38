// router/provision.h: accounts at run time. Here and not beside it, because the server of these tests is.
// SPDX-License-Identifier: Apache-2.0
#include "router/provision.h"

#include <gtest/gtest.h>

#include "modules/test_server.h"

namespace jackdaw {
extern const Module roster, presence, subscription, xep0012_last, xep0199_ping;
namespace {

BareJid bare(std::string_view text) { return *BareJid::parse(text); }

Provisioned create(TestServer& server, NewAccount wanted) {
  return server.run<Provisioned>([&](Shard& shard) { return create_account(shard, wanted); });
}

Provisioned create(TestServer& server, std::string_view jid, std::string password = "secret") {
  return create(server, NewAccount{.jid = bare(jid), .password = std::move(password)});
}

Provisioned remove(TestServer& server, std::string_view jid) {
  return server.run<Provisioned>([&](Shard& shard) { return remove_account(shard, bare(jid)); });
}

Task<AccountRecord> stored(Store& store, BareJid jid) { co_return **co_await store.accounts().get(std::move(jid)); }

AccountRecord record_of(TestServer& server, std::string_view jid) {
  return server.run<AccountRecord>([&](Shard&) { return stored(server.store(), bare(jid)); });
}

Task<void> run_unheeded(Task<Provisioned> task) { co_await std::move(task); }

Task<std::size_t> count_values(Store& store, std::string map, BareJid owner) {
  co_return (*co_await store.map(map).all(std::move(owner))).size();
}

TEST(Provision, ANewAccountHasKeysForEveryHash) {
  TestServer server;
  EXPECT_EQ(create(server, {.jid = bare("romeo@montague.lan"), .password = "x", .rights = "all"}), Provisioned::done);
  const AccountRecord record = record_of(server, "romeo@montague.lan");
  EXPECT_EQ(record.rights, "all");
  EXPECT_FALSE(record.locked);
  EXPECT_EQ(record.skeleton, skeleton_of("romeo"));
  for (const auto& keys : record.keys) {
    ASSERT_TRUE(keys);
    EXPECT_EQ(keys->iterations, 10'000);
    EXPECT_EQ(keys->salt.size(), 16U);
  }
  EXPECT_NE(record.keys[0]->salt, record.keys[1]->salt);
}

TEST(Provision, RefusesWhatIsNoNewAccount) {
  TestServer server;
  EXPECT_EQ(create(server, "romeo@montague.lan"), Provisioned::done);
  EXPECT_EQ(create(server, "romeo@montague.lan"), Provisioned::exists);
  EXPECT_EQ(create(server, "romeo@elsewhere.lan"), Provisioned::no_such_domain);
  EXPECT_EQ(create(server, "montague.lan"), Provisioned::bad_name);
  EXPECT_EQ(create(server, "mercutio@montague.lan", ""), Provisioned::bad_password);
  EXPECT_EQ(create(server, "mercutio@montague.lan", "a\tb"), Provisioned::bad_password);
  EXPECT_FALSE(server.has_account("mercutio@montague.lan"));
}

// UTS 39: a Cyrillic о in a Latin name; and a whole name of other letters that looks the same.
TEST(Provision, LookAlikesAreRefusedUnlessAllowed) {
  TestServer server;
  EXPECT_EQ(create(server, "scope@montague.lan"), Provisioned::done);
  EXPECT_EQ(create(server, "sc\u043Epe@montague.lan"), Provisioned::mixed_scripts);
  EXPECT_EQ(create(server, "\u0455\u0441\u043E\u0440\u0435@montague.lan"), Provisioned::looks_alike);
  EXPECT_EQ(create(server, "\u0455\u0441\u043E\u0440\u0435@capulet.lan"), Provisioned::done);
  server.set("domain.montague.lan.account.refuse_lookalikes=false");
  EXPECT_EQ(create(server, "sc\u043Epe@montague.lan"), Provisioned::done);
}

TEST(Provision, ARemovedNameRests) {
  TestServer server;
  EXPECT_EQ(create(server, "romeo@montague.lan"), Provisioned::done);
  EXPECT_EQ(remove(server, "romeo@montague.lan"), Provisioned::done);
  EXPECT_EQ(remove(server, "romeo@montague.lan"), Provisioned::not_there);
  EXPECT_EQ(create(server, "romeo@montague.lan"), Provisioned::removed_recently);
  server.pass(std::chrono::hours{24 * 30});
  EXPECT_EQ(create(server, "romeo@montague.lan"), Provisioned::done);
  EXPECT_EQ(remove(server, "romeo@montague.lan"), Provisioned::done);
  EXPECT_EQ(create(server, {.jid = bare("romeo@montague.lan"), .password = "x", .tombstone = Tombstone::ignore}),
            Provisioned::done);
}

// From a core that is not the account's home: all sessions end but the one that asked.
TEST(Provision, AnotherPasswordEndsTheOtherSessions) {
  TestServer server{Cores{3}};
  EXPECT_EQ(create(server, "romeo@montague.lan"), Provisioned::done);
  const auto before = record_of(server, "romeo@montague.lan").keys;
  auto garden = server.login("romeo@montague.lan/garden");
  auto street = server.login("romeo@montague.lan/street");
  for (std::size_t core = 0; core < 3; ++core) {
    EXPECT_EQ(server.run<Provisioned>(core,
                                      [&](Shard& shard) {
                                        return change_password(shard, bare("romeo@montague.lan"), "new",
                                                               garden.session().get(), "share");
                                      }),
              Provisioned::done);
  }
  EXPECT_FALSE(garden.why_ended());
  ASSERT_TRUE(street.why_ended());
  EXPECT_EQ(street.why_ended()->condition, StreamCondition::not_authorized);
  EXPECT_NE(record_of(server, "romeo@montague.lan").keys, before);
  EXPECT_EQ(server.run<Provisioned>([&](Shard& shard) {
    return change_password(shard, bare("nobody@montague.lan"), "new", nullptr, "share");
  }),
            Provisioned::not_there);
  EXPECT_EQ(server.run<Provisioned>(
                [&](Shard& shard) { return change_password(shard, bare("romeo@montague.lan"), "", nullptr, "share"); }),
            Provisioned::bad_password);
}

TEST(Provision, LockingEndsSessionsAndRefusesNewOnes) {
  TestServer server{Cores{2}};
  auto romeo = server.login("romeo@montague.lan/garden");
  const auto lock = [&](bool locked) {
    return server.run<Provisioned>([&](Shard& shard) { return set_locked(shard, bare("romeo@montague.lan"), locked); });
  };
  EXPECT_EQ(lock(true), Provisioned::done);
  ASSERT_TRUE(romeo.why_ended());
  EXPECT_TRUE(record_of(server, "romeo@montague.lan").locked);
  EXPECT_FALSE(server.try_login("romeo@montague.lan/garden"));
  EXPECT_EQ(lock(false), Provisioned::done);
  server.login("romeo@montague.lan/garden").expect_nothing();
}

// Two changes at once: neither is lost.
TEST(Provision, ChangesUnderWayTogetherAreBothStored) {
  TestServer server;
  EXPECT_EQ(create(server, "romeo@montague.lan"), Provisioned::done);
  const auto before = record_of(server, "romeo@montague.lan").keys;
  server.on(*server.server().shards[0], [&] {
    Shard& shard = *server.server().shards[0];
    spawn(run_unheeded(set_locked(shard, bare("romeo@montague.lan"), true)));
    spawn(run_unheeded(change_password(shard, bare("romeo@montague.lan"), "new", nullptr, "share")));
    spawn(run_unheeded(set_locked(shard, bare("romeo@montague.lan"), true)));
  });
  for (int i = 0; i < 50 && record_of(server, "romeo@montague.lan").keys == before; ++i) server.settle();
  EXPECT_NE(record_of(server, "romeo@montague.lan").keys, before);
  EXPECT_TRUE(record_of(server, "romeo@montague.lan").locked);
}

// Contacts are told, nothing stays stored (not even the last activity that ending its sessions would note), and who
// asks for the account gets what one that never was gives.
TEST(Provision, RemovalLeavesNothing) {
  TestServer server{Cores{2}, roster, presence, subscription, xep0012_last, xep0199_ping};
  auto romeo = server.login("romeo@montague.lan/garden");
  auto juliet = server.login("juliet@capulet.lan/balcony");
  server.put_contact("juliet@capulet.lan", "romeo@montague.lan", Subscription::both);
  server.put_contact("romeo@montague.lan", "juliet@capulet.lan", Subscription::both);
  romeo.send("<presence/>");
  juliet.send("<presence/>");
  juliet.skip();
  EXPECT_EQ(remove(server, "romeo@montague.lan"), Provisioned::done);
  ASSERT_TRUE(romeo.why_ended());
  EXPECT_EQ(romeo.why_ended()->condition, StreamCondition::not_authorized);
  EXPECT_FALSE(server.has_account("romeo@montague.lan"));
  for (const char* map : {"roster", "last"})
    EXPECT_EQ(
        server.run<std::size_t>([&](Shard&) { return count_values(server.store(), map, bare("romeo@montague.lan")); }),
        0U)
        << map;
  bool unavailable = false;
  for (std::string got = juliet.next(); !got.empty() && !unavailable; got = juliet.next())
    unavailable = got.find("type='unavailable'") != got.npos;
  EXPECT_TRUE(unavailable);
  juliet.skip();
  juliet.send("<message to='romeo@montague.lan' id='m' type='chat'><body>Hi</body></message>");
  juliet.expect_error("m", Condition::service_unavailable);
}

// The end of an available session notes when it was; not for an account that is gone.
TEST(Provision, NothingIsStoredBehindARemoval) {
  TestServer server{roster, presence, xep0012_last};
  auto romeo = server.login("romeo@montague.lan/garden");
  romeo.send("<presence/>");
  EXPECT_EQ(remove(server, "romeo@montague.lan"), Provisioned::done);
  ASSERT_TRUE(romeo.why_ended());
  const auto left = [&](Shard&) { return count_values(server.store(), "last", bare("romeo@montague.lan")); };
  EXPECT_EQ(server.run<std::size_t>(left), 0U);
}

}  // namespace
}  // namespace jackdaw
