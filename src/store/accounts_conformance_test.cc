// What every store does with accounts, and what the faulty store does with every store.
// SPDX-License-Identifier: Apache-2.0
#include "store/conformance.h"
#include "store/faults.h"

namespace jackdaw {
namespace {

using AccountConformance = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, AccountConformance, testing::Values("memory", "sqlite"),
                         [](const auto& suite) { return suite.param; });

AccountRecord account(std::string_view text, std::string skeleton = {}) {
  AccountRecord record;
  record.jid = jid(text);
  record.created = at(1000);
  record.skeleton = std::move(skeleton);
  record.keys[0] = ScramKeys{std::string("s\0lt", 4), 4096, "stored", "server"};
  record.keys[2] = ScramKeys{"other", 10000, "", "\xff"};
  return record;
}

TEST_P(AccountConformance, an_account_is_created_once) {
  auto& accounts = store().accounts();
  AccountRecord romeo = account("romeo@example.org");
  EXPECT_EQ(good(run(accounts.get(romeo.jid))), std::nullopt);
  EXPECT_EQ(good(run(accounts.create(romeo, true))), Created::created);
  EXPECT_EQ(good(run(accounts.get(romeo.jid))), romeo);
  AccountRecord other = romeo;
  other.rights = "users@example.org";
  EXPECT_EQ(good(run(accounts.create(other, true))), Created::exists);
  EXPECT_EQ(good(run(accounts.create(other, false))), Created::exists);
  EXPECT_EQ(good(run(accounts.get(romeo.jid))), romeo);
}

TEST_P(AccountConformance, who_is_not_there_has_a_neighbour) {
  auto& accounts = store().accounts();
  EXPECT_EQ(good(run(accounts.get_or_neighbour(jid("juliet@example.org")))), std::nullopt);
  const AccountRecord juliet = account("juliet@example.org"), romeo = account("romeo@example.com");
  for (const auto& each : {juliet, romeo}) good(run(accounts.create(each, false)));
  EXPECT_EQ(good(run(accounts.get_or_neighbour(romeo.jid))), romeo);
  EXPECT_EQ(good(run(accounts.get_or_neighbour(juliet.jid))), juliet);
  EXPECT_EQ(good(run(accounts.get_or_neighbour(jid("abram@example.org")))), juliet);
  EXPECT_EQ(good(run(accounts.get_or_neighbour(jid("nurse@example.org")))), romeo);
  EXPECT_EQ(good(run(accounts.get_or_neighbour(jid("tybalt@example.org")))), romeo);
}

TEST_P(AccountConformance, a_lookalike_is_told_within_one_domain) {
  auto& accounts = store().accounts();
  EXPECT_EQ(good(run(accounts.create(account("paypal@example.org", "paypal"), true))), Created::created);
  EXPECT_EQ(good(run(accounts.create(account("paypa1@example.org", "paypal"), true))), Created::looks_alike);
  EXPECT_EQ(good(run(accounts.get(jid("paypa1@example.org")))), std::nullopt);
  EXPECT_EQ(good(run(accounts.create(account("paypa1@example.net", "paypal"), true))), Created::created);
  EXPECT_EQ(good(run(accounts.create(account("paypal@example.org", "paypal"), true))), Created::exists);
  EXPECT_EQ(good(run(accounts.create(account("paypa1@example.org", "paypal"), false))), Created::created);
}

TEST_P(AccountConformance, of_two_that_come_together_one_is_created) {
  auto& accounts = store().accounts();
  int created = 0;
  std::vector<Task<void>> tasks;
  tasks.reserve(20);
  struct Attempt {
    static Task<void> make(Task<Result<Created>> task, int& count) {
      if (good(co_await std::move(task)) == Created::created) ++count;
    }
  };
  for (int i = 0; i < 20; ++i) {
    tasks.push_back(Attempt::make(accounts.create(account("romeo@example.org"), false), created));
  }
  loop().run_all(std::move(tasks));
  EXPECT_EQ(created, 1);
}

TEST_P(AccountConformance, an_update_replaces_the_whole_record) {
  auto& accounts = store().accounts();
  AccountRecord romeo = account("romeo@example.org", "romeo");
  EXPECT_FALSE(good(run(accounts.update(romeo))));
  EXPECT_EQ(good(run(accounts.get(romeo.jid))), std::nullopt);
  good(run(accounts.create(romeo, true)));
  romeo.locked = true;
  romeo.rights = "monitors";
  romeo.created = at(-3);
  romeo.skeleton = "rorneo";
  romeo.keys = {};
  romeo.keys[1] = ScramKeys{"a", 1, "b", "c"};
  EXPECT_TRUE(good(run(accounts.update(romeo))));
  EXPECT_EQ(good(run(accounts.get(romeo.jid))), romeo);
  EXPECT_EQ(good(run(accounts.create(account("x@example.org", "romeo"), true))), Created::created);
  EXPECT_EQ(good(run(accounts.create(account("y@example.org", "rorneo"), true))), Created::looks_alike);
}

TEST_P(AccountConformance, administrators_are_those_with_rights) {
  auto& accounts = store().accounts();
  EXPECT_TRUE(good(run(accounts.administrators())).empty());
  for (const auto name : {"tybalt@example.net", "romeo@example.org", "nurse@example.org"})
    good(run(accounts.create(account(name), false)));
  AccountRecord nurse = account("nurse@example.org"), tybalt = account("tybalt@example.net");
  nurse.rights = "users@example.org";
  tybalt.rights = "all";
  for (const auto& each : {tybalt, nurse}) EXPECT_TRUE(good(run(accounts.update(each))));
  EXPECT_EQ(good(run(accounts.administrators())), (std::vector<AccountRecord>{nurse, tybalt}));
  nurse.rights.clear();
  EXPECT_TRUE(good(run(accounts.update(nurse))));
  EXPECT_TRUE(good(run(accounts.remove(tybalt.jid, at(1)))));
  EXPECT_TRUE(good(run(accounts.administrators())).empty());
}

TEST_P(AccountConformance, removing_takes_what_the_account_owns) {
  auto& accounts = store().accounts();
  const BareJid romeo = jid("romeo@example.org");
  const BareJid juliet = jid("juliet@example.org");
  for (const auto& owner : {romeo, juliet}) {
    good(run(accounts.create(account(owner.text()), false)));
    good(run(store().map("roster").set(owner, "key", "value")));
    good(run(store().archive("offline").append(owner, item("01", 1))));
  }
  EXPECT_EQ(good(run(accounts.removed_at(romeo))), std::nullopt);
  EXPECT_TRUE(good(run(accounts.remove(romeo, at(5)))));
  EXPECT_EQ(good(run(accounts.get(romeo))), std::nullopt);
  EXPECT_EQ(good(run(accounts.removed_at(romeo))), at(5));
  EXPECT_EQ(good(run(store().map("roster").count(romeo))), 0);
  EXPECT_EQ(ids(store().archive("offline"), romeo, {}), "");
  EXPECT_EQ(good(run(store().map("roster").count(juliet))), 1);
  EXPECT_EQ(ids(store().archive("offline"), juliet, {}), "01");
}

TEST_P(AccountConformance, removing_what_is_not_there_changes_nothing) {
  const BareJid nobody = jid("nobody@example.org");
  good(run(store().map("roster").set(nobody, "key", "value")));
  EXPECT_FALSE(good(run(store().accounts().remove(nobody, at(5)))));
  EXPECT_EQ(good(run(store().accounts().removed_at(nobody))), std::nullopt);
  EXPECT_EQ(good(run(store().map("roster").count(nobody))), 1);
}

TEST_P(AccountConformance, the_last_removal_counts_and_stays) {
  auto& accounts = store().accounts();
  AccountRecord romeo = account("romeo@example.org");
  for (const int when : {5, 9}) {
    EXPECT_EQ(good(run(accounts.create(romeo, true))), Created::created);
    EXPECT_TRUE(good(run(accounts.remove(romeo.jid, at(when)))));
  }
  EXPECT_EQ(good(run(accounts.create(romeo, true))), Created::created);
  EXPECT_EQ(good(run(accounts.get(romeo.jid))), romeo);
  EXPECT_EQ(good(run(accounts.removed_at(romeo.jid))), at(9));
}

TEST_P(AccountConformance, a_list_comes_in_pages) {
  auto& accounts = store().accounts();
  for (const auto name : {"d@a.org", "b@a.org", "c@a.org", "a@b.org", "e@a.org", "a@a.org"}) {
    good(run(accounts.create(account(name), false)));
  }
  const auto page = [&](std::string domain, std::string after, std::int64_t limit) {
    std::string text;
    for (const auto& record : good(run(accounts.list(std::move(domain), std::move(after), limit)))) {
      EXPECT_EQ(record, account(record.jid.text()));  // whole records, with their keys
      text += text.empty() ? record.jid.text() : ' ' + record.jid.text();
    }
    return text;
  };
  EXPECT_EQ(page("a.org", "", 2), "a@a.org b@a.org");
  EXPECT_EQ(page("a.org", "b@a.org", 2), "c@a.org d@a.org");
  EXPECT_EQ(page("a.org", "d@a.org", 2), "e@a.org");
  EXPECT_EQ(page("a.org", "e@a.org", 2), "");
  EXPECT_EQ(page("a.org", "bb@a.org", 1), "c@a.org");  // need not be there
  EXPECT_EQ(page("a.org", "", 0), "a@a.org b@a.org c@a.org d@a.org e@a.org");
  EXPECT_EQ(page("b.org", "", 10), "a@b.org");
  EXPECT_EQ(page("c.org", "", 10), "");
}

TEST_P(AccountConformance, the_faulty_store_fails_at_the_call_it_was_told) {
  const auto countdown = std::make_shared<std::atomic<std::int64_t>>(0);
  auto faulty = make_faulty_store(make_memory_store(), countdown);
  const BareJid romeo = jid("romeo@example.org");
  auto& map = faulty->map("roster");
  EXPECT_TRUE(run(map.set(romeo, "key", "1")).ok());
  *countdown = 3;
  EXPECT_TRUE(run(map.set(romeo, "key", "2")).ok());
  EXPECT_TRUE(run(faulty->archive("offline").append(romeo, item("01", 1))).ok());
  EXPECT_FALSE(run(map.set(romeo, "key", "3")).ok());
  EXPECT_EQ(good(run(map.get(romeo, "key"))), "2");  // nothing was done, and the next call works
  EXPECT_EQ(*countdown, 0);
  *countdown = 1;
  EXPECT_FALSE(run(faulty->accounts().create(account("romeo@example.org"), false)).ok());
  *countdown = 1;
  EXPECT_FALSE(run(faulty->write(Batch{romeo})).ok());
  *countdown = -5;
  EXPECT_EQ(good(run(faulty->accounts().get(romeo))), std::nullopt);
  EXPECT_EQ(*countdown, -5);
}

}  // namespace
}  // namespace jackdaw
