// What every store does with maps, archives and batches, edge by edge; store.h points here. The accounts are in
// accounts_conformance_test.cc.
// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "store/conformance.h"

namespace jackdaw {
namespace {

using namespace std::string_view_literals;
using Values = std::vector<std::pair<std::string, std::string>>;

const BareJid romeo = jid("romeo@example.org");
const BareJid juliet = jid("juliet@example.org");

INSTANTIATE_TEST_SUITE_P(Stores, StoreConformance, testing::Values("memory", "sqlite"),
                         [](const auto& suite) { return suite.param; });

TEST_P(StoreConformance, a_map_keeps_replaces_and_removes) {
  auto& map = store().map("private");
  EXPECT_EQ(good(run(map.get(romeo, "color"))), std::nullopt);
  good(run(map.set(romeo, "color", "red")));
  EXPECT_EQ(good(run(map.get(romeo, "color"))), "red");
  good(run(map.set(romeo, "color", "blue")));
  EXPECT_EQ(good(run(map.get(romeo, "color"))), "blue");
  EXPECT_EQ(good(run(map.count(romeo))), 1);
  good(run(map.set(romeo, "color", std::nullopt)));
  EXPECT_EQ(good(run(map.get(romeo, "color"))), std::nullopt);
  good(run(map.set(romeo, "color", std::nullopt)));  // removing what is not there is no error
  EXPECT_EQ(good(run(map.count(romeo))), 0);
  EXPECT_TRUE(good(run(map.all(romeo))).empty());
}

TEST_P(StoreConformance, an_empty_key_is_a_key_and_an_empty_value_a_value) {
  auto& map = store().map("private");
  good(run(map.set(romeo, "", "")));
  EXPECT_EQ(good(run(map.get(romeo, ""))), "");
  EXPECT_EQ(good(run(map.count(romeo))), 1);
  EXPECT_EQ(good(run(map.all(romeo))), (Values{{"", ""}}));
}

TEST_P(StoreConformance, keys_and_values_are_bytes) {
  auto& map = store().map("private");
  const std::string key{"a\0b'\"\xff\xfe"sv};
  const std::string value{"\0\0'); DROP TABLE map_entries; --\x80\0"sv};
  good(run(map.set(romeo, key, value)));
  EXPECT_EQ(good(run(map.get(romeo, key))), value);
  EXPECT_EQ(good(run(map.get(romeo, "a"))), std::nullopt);  // nothing ends at a NUL
  EXPECT_EQ(good(run(map.all(romeo))), (Values{{key, value}}));
}

TEST_P(StoreConformance, a_mebibyte_comes_back_as_it_was) {
  std::string value(1_MiB, '\0');
  for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i * 7 + i / 4096);
  good(run(store().map("vcard").set(romeo, "large", value)));
  EXPECT_EQ(good(run(store().map("vcard").get(romeo, "large"))), value);
}

TEST_P(StoreConformance, all_is_in_the_order_of_the_keys_bytes) {
  auto& map = store().map("roster");
  for (const auto key : {"b", "a", "\xc3\xa4", "", "aa", "B", "10", "9"}) good(run(map.set(romeo, key, "x")));
  good(run(map.set(romeo, std::string{"a\0"sv}, "x")));
  std::vector<std::string> keys;
  for (const auto& [key, value] : good(run(map.all(romeo)))) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"", "10", "9", "B", "a", std::string{"a\0"sv}, "aa", "b", "\xc3\xa4"}));
}

TEST_P(StoreConformance, names_and_owners_are_apart) {
  good(run(store().map("a").set(romeo, "key", "1")));
  good(run(store().map("b").set(romeo, "key", "2")));
  good(run(store().map("a").set(juliet, "key", "3")));
  good(run(store().map("a'; DROP TABLE map_entries; --").set(BareJid{}, "key", "4")));  // the server's own
  EXPECT_EQ(good(run(store().map("a").get(romeo, "key"))), "1");
  EXPECT_EQ(good(run(store().map("b").get(romeo, "key"))), "2");
  EXPECT_EQ(good(run(store().map("a").get(juliet, "key"))), "3");
  EXPECT_EQ(good(run(store().map("a'; DROP TABLE map_entries; --").get(BareJid{}, "key"))), "4");
  EXPECT_EQ(good(run(store().map("a").count(BareJid{}))), 0);
}

TEST_P(StoreConformance, a_name_is_made_once) {
  EXPECT_EQ(&store().map("roster"), &store().map("roster"));
  EXPECT_EQ(&store().archive("offline"), &store().archive("offline"));
  EXPECT_NE(&store().map("roster"), &store().map("vcard"));
}

TEST_P(StoreConformance, an_archive_is_in_the_order_of_ids) {
  auto& archive = store().archive("archive");
  for (const auto id : {"01", "02", "03"}) good(run(archive.append(romeo, item(id, 10))));
  good(run(archive.append(romeo, item("00", 99))));  // late, of a clock that went back
  EXPECT_EQ(ids(archive, romeo, {}), "00 01 02 03");
  EXPECT_EQ(good(run(archive.find(romeo, {}))).at(1), item("01", 10));
  EXPECT_EQ(ids(archive, juliet, {}), "");
  EXPECT_EQ(ids(store().archive("offline"), romeo, {}), "");
}

TEST_P(StoreConformance, an_id_is_appended_once) {
  auto& archive = store().archive("offline");
  good(run(archive.append(romeo, item("01", 10))));
  good(run(archive.append(romeo, {.id = "01", .when = at(20), .xml = "<other/>"})));
  EXPECT_EQ(good(run(archive.find(romeo, {}))), (std::vector<ArchiveItem>{item("01", 10)}));
  good(run(archive.append(juliet, item("01", 30))));  // another owner's id is another one
  EXPECT_EQ(good(run(archive.find(juliet, {}))), (std::vector<ArchiveItem>{item("01", 30)}));
}

TEST_P(StoreConformance, items_are_bytes_and_microseconds) {
  auto& archive = store().archive("archive");
  const ArchiveItem odd{.id = std::string{"i\0\xff"sv}, .when = TimePoint{1us}, .xml = std::string{"\0<a/>"sv}};
  const ArchiveItem before_1970{.id = "", .when = TimePoint{-5s}, .xml = ""};
  good(run(archive.append(romeo, odd)));
  good(run(archive.append(romeo, before_1970)));
  EXPECT_EQ(good(run(archive.find(romeo, {}))), (std::vector<ArchiveItem>{before_1970, odd}));
}

TEST_P(StoreConformance, find_holds_all_its_conditions) {
  auto& archive = store().archive("archive");
  for (int i = 1; i <= 6; ++i) good(run(archive.append(romeo, item("0" + std::to_string(i), i * 10))));
  EXPECT_EQ(ids(archive, romeo, {.from = at(20), .until = at(40)}), "02 03 04");  // both inclusive
  EXPECT_EQ(ids(archive, romeo, {.from = at(21)}), "03 04 05 06");
  EXPECT_EQ(ids(archive, romeo, {.until = at(39)}), "01 02 03");
  EXPECT_EQ(ids(archive, romeo, {.after_id = "04"}), "05 06");
  EXPECT_EQ(ids(archive, romeo, {.upto_id = "02"}), "01 02");
  EXPECT_EQ(ids(archive, romeo, {.after_id = "01", .upto_id = "03"}), "02 03");
  EXPECT_EQ(ids(archive, romeo, {.after_id = "025"}), "03 04 05 06");  // need not be there
  EXPECT_EQ(ids(archive, romeo, {.from = at(20), .until = at(50), .after_id = "02", .upto_id = "04"}), "03 04");
  EXPECT_EQ(ids(archive, romeo, {.from = at(30), .limit = 2}), "03 04");
  EXPECT_EQ(ids(archive, romeo, {.until = at(50), .after_id = "03", .limit = 1}), "04");
  EXPECT_EQ(ids(archive, romeo, {.from = at(70)}), "");
  EXPECT_EQ(ids(archive, romeo, {.from = at(40), .until = at(20)}), "");
}

TEST_P(StoreConformance, find_is_by_id_also_where_times_are_not) {
  auto& archive = store().archive("archive");
  for (int i = 1; i <= 6; ++i) good(run(archive.append(romeo, item("0" + std::to_string(i), 70 - i * 10))));
  EXPECT_EQ(ids(archive, romeo, {.from = at(20), .limit = 2}), "01 02");
  EXPECT_EQ(ids(archive, romeo, {.from = at(20), .until = at(40), .limit = 0}), "03 04 05");
}

TEST_P(StoreConformance, a_limit_is_fifty_unless_told_and_none_is_no_limit) {
  auto& archive = store().archive("archive");
  std::vector<Task<void>> writes;
  writes.reserve(120);
  for (int i = 0; i < 120; ++i) writes.push_back(succeed(archive.append(romeo, item(std::to_string(1000 + i), i))));
  loop().run_all(std::move(writes));
  EXPECT_EQ(good(run(archive.find(romeo, {}))).size(), 50U);
  EXPECT_EQ(good(run(archive.find(romeo, {.limit = 7}))).size(), 7U);
  EXPECT_EQ(good(run(archive.find(romeo, {.limit = 0}))).size(), 120U);
  EXPECT_EQ(good(run(archive.find(romeo, {.limit = -1}))).size(), 120U);
  EXPECT_EQ(good(run(archive.find(romeo, {.limit = 1'000'000}))).size(), 120U);
}

TEST_P(StoreConformance, erase_takes_what_find_finds) {
  auto& archive = store().archive("offline");
  for (int i = 1; i <= 9; ++i) good(run(archive.append(romeo, item("0" + std::to_string(i), i * 10))));
  good(run(archive.append(juliet, item("01", 10))));
  EXPECT_EQ(good(run(archive.erase(romeo, {.limit = 2}))), 2);
  EXPECT_EQ(ids(archive, romeo, {}), "03 04 05 06 07 08 09");
  EXPECT_EQ(good(run(archive.erase(romeo, {.from = at(40), .until = at(50), .limit = 0}))), 2);
  EXPECT_EQ(good(run(archive.erase(romeo, {.after_id = "08"}))), 1);
  EXPECT_EQ(good(run(archive.erase(romeo, {.upto_id = "03", .limit = -1}))), 1);
  EXPECT_EQ(ids(archive, romeo, {}), "06 07 08");
  EXPECT_EQ(good(run(archive.erase(romeo, {.from = at(500)}))), 0);
  EXPECT_EQ(good(run(archive.erase(romeo, {.limit = 0}))), 3);
  EXPECT_EQ(good(run(archive.erase(romeo, {.limit = 0}))), 0);
  EXPECT_EQ(ids(archive, juliet, {}), "01");
  good(run(archive.append(romeo, item("01", 10))));  // an erased id may come again
  EXPECT_EQ(ids(archive, romeo, {}), "01");
}

TEST_P(StoreConformance, size_counts_items_and_bytes_of_xml) {
  auto& archive = store().archive("offline");
  const auto is = [&](std::int64_t items, std::int64_t bytes) {
    const ArchiveSize size = good(run(archive.size(romeo)));
    EXPECT_EQ(size.items, items);
    EXPECT_EQ(size.bytes, bytes);
  };
  is(0, 0);
  good(run(archive.append(romeo, {.id = "1", .when = at(1), .xml = "<a/>"})));
  good(run(archive.append(romeo, {.id = "2", .when = at(1), .xml = "\xc3\xa4"})));
  good(run(archive.append(romeo, {.id = "2", .when = at(1), .xml = "again, which stores nothing"})));
  is(2, 6);
  good(run(archive.erase(romeo, {.upto_id = "1"})));
  is(1, 2);
}

TEST_P(StoreConformance, a_batch_changes_maps_and_archives_in_order) {
  good(run(store().map("a").set(romeo, "gone", "x")));
  Batch batch{romeo};
  batch.set("a", "gone", std::nullopt);
  batch.set("a", "key", "1");
  batch.set("a", "key", "2");  // later ones win
  batch.set("b", "key", "3");
  batch.append("offline", item("01", 10));
  batch.append("offline", item("01", 20));
  batch.append("archive", item("02", 20));
  good(run(store().write(std::move(batch))));
  EXPECT_EQ(good(run(store().map("a").all(romeo))), (Values{{"key", "2"}}));
  EXPECT_EQ(good(run(store().map("b").get(romeo, "key"))), "3");
  EXPECT_EQ(good(run(store().archive("offline").find(romeo, {}))), (std::vector<ArchiveItem>{item("01", 10)}));
  EXPECT_EQ(ids(store().archive("archive"), romeo, {}), "02");
  good(run(store().write(Batch{romeo})));  // an empty one is no error
}

TEST_P(StoreConformance, erase_owner_takes_all_but_the_account) {
  AccountRecord record;
  record.jid = romeo;
  good(run(store().accounts().create(record, false)));
  for (const auto& owner : {romeo, juliet}) {
    for (const auto name : {"a", "b", "zz"}) {
      good(run(store().map(name).set(owner, "key", "value")));
      good(run(store().archive(name).append(owner, item("01", 1))));
    }
  }
  good(run(store().erase_owner(romeo)));
  for (const auto name : {"a", "b", "zz"}) {
    EXPECT_EQ(good(run(store().map(name).count(romeo))), 0) << name;
    EXPECT_EQ(ids(store().archive(name), romeo, {}), "") << name;
    EXPECT_EQ(good(run(store().map(name).count(juliet))), 1) << name;
    EXPECT_EQ(ids(store().archive(name), juliet, {}), "01") << name;
  }
  EXPECT_TRUE(good(run(store().accounts().get(romeo))).has_value());
  good(run(store().erase_owner(romeo)));  // of nothing
}

Task<void> note_when_done(Task<Result<Done>> task, bool& done) {
  good(co_await std::move(task));
  done = true;
}

TEST_P(StoreConformance, an_answer_comes_later_on_the_callers_executor) {
  bool done = false;
  spawn(note_when_done(store().map("a").set(romeo, "key", "value"), done));
  EXPECT_FALSE(done);
  loop().run_until([&] { return done; });
}

// A thread with its own executor, as a core.
void write_on_a_core(Store& store, int core, int count) {
  TestLoop own;
  std::vector<Task<void>> writes;
  const BareJid owner = jid("core" + std::to_string(core) + "@example.org");
  for (int i = 0; i < count; ++i) {
    writes.push_back(succeed(store.archive("offline").append(owner, item(std::to_string(1000 + i), i))));
    writes.push_back(succeed(store.map("shared").set(romeo, std::to_string(core * count + i), "x")));
  }
  own.run_all(std::move(writes));
  EXPECT_EQ(good(own.run(store.archive("offline").size(owner))).items, count);  // one's own are there at once
}

TEST_P(StoreConformance, many_write_at_the_same_time) {
  constexpr int cores = 4;
  constexpr int count = 250;
  std::vector<std::thread> threads;
  threads.reserve(cores);
  for (int core = 0; core < cores; ++core) threads.emplace_back([&, core] { write_on_a_core(store(), core, count); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good(run(store().map("shared").count(romeo))), cores * count);
  EXPECT_EQ(store().queued(), 0);
}

TEST_P(StoreConformance, a_backup_holds_everything_and_comes_back) {
  good(run(store().map("a").set(romeo, "key", "value")));
  good(run(store().archive("b").append(romeo, item("01", 1))));
  AccountRecord record;
  record.jid = juliet;
  record.keys[1] = ScramKeys{"salt", 4096, "stored", "server"};
  good(run(store().accounts().create(record, false)));
  AccountRecord removed;
  removed.jid = romeo;
  good(run(store().accounts().create(removed, false)));
  good(run(store().accounts().remove(jid("romeo@example.org"), at(77))));
  good(run(store().map("a").set(romeo, "key", "value")));
  const std::string file = directory().file("backup.db");
  good(run(store().backup(file)));
  good(run(store().map("a").set(romeo, "key", "changed after the backup")));
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_FALSE(run(store().backup(file)).ok());  // never over a file that is there

  TestDirectory other;
  good(restore_sqlite_store(file, other.path()));
  auto restored = good(open_sqlite_store(other.path()));
  EXPECT_EQ(good(run(restored->map("a").get(romeo, "key"))), "value");
  EXPECT_EQ(ids(restored->archive("b"), romeo, {}), "");  // went with the account
  EXPECT_EQ(good(run(restored->accounts().get(juliet))), record);
  EXPECT_EQ(good(run(restored->accounts().removed_at(romeo))), at(77));
}

}  // namespace
}  // namespace jackdaw
