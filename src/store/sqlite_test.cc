// What only the SQLite store has: a file with a version, rights and settings.
// SPDX-License-Identifier: Apache-2.0
#include <sys/fsuid.h>
#include <unistd.h>

#include <fstream>

#include "store/sqlite/account_rows.h"
#include "store/sqlite/items.h"
#include "store/sqlite/schema.h"
#include "store/sqlite_fixture.h"

namespace jackdaw {
namespace {

using SqliteStore = SqliteStoreTest;

// What version 1 made. It never changes: released databases look like this.
constexpr const char* version_1 = R"sql(
CREATE TABLE jackdaw_schema(version INTEGER NOT NULL) STRICT;
INSERT INTO jackdaw_schema(version) VALUES(1);
CREATE TABLE map_entries(map TEXT NOT NULL, owner TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY(map, owner, key)) STRICT, WITHOUT ROWID;
CREATE TABLE archive_items(archive TEXT NOT NULL, owner TEXT NOT NULL, id BLOB NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL, xml BLOB NOT NULL, PRIMARY KEY(archive, owner, id)) STRICT, WITHOUT ROWID;
CREATE INDEX archive_by_time ON archive_items(archive, owner, at, bytes);
CREATE TABLE accounts(jid TEXT NOT NULL PRIMARY KEY, domain TEXT NOT NULL, locked INTEGER NOT NULL, admin INTEGER NOT NULL, created INTEGER NOT NULL, skeleton TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_domain ON accounts(domain, jid);
CREATE INDEX accounts_by_skeleton ON accounts(domain, skeleton);
CREATE TABLE account_keys(jid TEXT NOT NULL REFERENCES accounts(jid) ON DELETE CASCADE, hash TEXT NOT NULL, salt BLOB NOT NULL, iterations INTEGER NOT NULL, stored_key BLOB NOT NULL, server_key BLOB NOT NULL, PRIMARY KEY(jid, hash)) STRICT, WITHOUT ROWID;
CREATE TABLE removed_names(jid TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO map_entries VALUES('private', 'romeo@example.org', x'6b6579', x'76616c7565');
INSERT INTO archive_items VALUES('offline', 'romeo@example.org', x'3031', 7000000, 4, x'3c612f3e');
INSERT INTO accounts VALUES('romeo@example.org', 'example.org', 0, 1, 9000000, 'rorneo');
INSERT INTO account_keys VALUES('romeo@example.org', 'sha-256', x'73', 4096, x'74', x'75');
INSERT INTO removed_names VALUES('juliet@example.org', 5000000);
)sql";

TEST_F(SqliteStore, a_database_of_version_1_is_brought_up_to_date) {
  OtherProgram{directory_.database()}.run(version_1);
  auto store = good(open_sqlite_store(directory_.path()));
  EXPECT_EQ(good(run(store->map("private").get(romeo, "key"))), "value");
  EXPECT_EQ(good(run(store->archive("offline").find(romeo, {}))),
            (std::vector<ArchiveItem>{{.id = "01", .when = at(7), .xml = "<a/>"}}));
  AccountRecord record;
  record.jid = romeo;
  record.rights = "all";
  record.created = at(9);
  record.skeleton = "rorneo";
  record.keys[1] = ScramKeys{"s", 4096, "t", "u"};
  EXPECT_EQ(good(run(store->accounts().get(romeo))), record);
  EXPECT_EQ(good(run(store->accounts().removed_at(jid("juliet@example.org")))), at(5));
  OtherProgram sees{directory_.database()};
  EXPECT_EQ(sees.ask("SELECT version FROM jackdaw_schema"), std::to_string(schema_steps().size()) + "\n");
}

TEST_F(SqliteStore, a_new_database_looks_as_one_brought_up_to_date) {
  constexpr const char* schema = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
  TestDirectory old;
  OtherProgram{old.database()}.run(version_1);
  good(open_sqlite_store(old.path()));
  good(open_sqlite_store(directory_.path()));
  const std::string made = OtherProgram{directory_.database()}.ask(schema);
  EXPECT_TRUE(has(made, "CREATE TABLE accounts"));
  EXPECT_EQ(OtherProgram{old.database()}.ask(schema), made);
}

TEST_F(SqliteStore, a_step_is_done_whole_or_not_at_all) {
  good(open_sqlite_store(directory_.path()));
  auto steps = schema_steps();
  const auto now = static_cast<std::int64_t>(steps.size());
  steps.push_back({"CREATE TABLE one(a INTEGER) STRICT"});
  steps.push_back({"CREATE TABLE two(a INTEGER) STRICT", "INSERT INTO nowhere VALUES(1)"});
  auto database = good(Connection::open(directory_.database(), {}, Access::write));
  EXPECT_FALSE(bring_up_to_date(*database, steps).ok());
  EXPECT_EQ(good(schema_version(*database)), now + 1);  // the first was done, of the second nothing
  steps.back().pop_back();
  good(bring_up_to_date(*database, steps));
  EXPECT_EQ(good(schema_version(*database)), now + 2);
  good(bring_up_to_date(*database, steps));  // and not again
  database.reset();
  EXPECT_TRUE(has(refusal(directory_.path()), "newer server"));
}

TEST_F(SqliteStore, the_file_is_for_its_owner_alone) {
  auto store = good(open_sqlite_store(directory_.path()));
  good(run(set(*store, "key")));
  for (const char* part : {"", "-wal", "-shm"}) {
    const auto mode = std::filesystem::status(directory_.database() + part).permissions();
    EXPECT_EQ(mode & std::filesystem::perms{077}, std::filesystem::perms::none) << part;
  }
}

TEST_F(SqliteStore, every_connection_has_its_settings) {
  good(open_sqlite_store(directory_.path()));
  for (const auto access : {Access::write, Access::read}) {
    auto database = good(Connection::open(directory_.database(), {}, access));
    const auto setting = [&](std::string_view sql) {
      Query row = database->query(sql);
      return row.step() ? row.bytes_at(0) : "none";
    };
    EXPECT_EQ(setting("PRAGMA journal_mode"), "wal");
    EXPECT_EQ(setting("PRAGMA synchronous"), "2");  // full
    EXPECT_EQ(setting("PRAGMA foreign_keys"), "1");
    EXPECT_EQ(setting("PRAGMA cache_size"), "-2048");
    EXPECT_EQ(setting("PRAGMA busy_timeout"), "5000");
    EXPECT_EQ(setting("PRAGMA query_only"), access == Access::read ? "1" : "0");
  }
}

TEST_F(SqliteStore, what_cannot_be_opened_is_named) {
  EXPECT_TRUE(has(refusal(directory_.file("missing")), directory_.file("missing") + "/jackdaw.db"));
  EXPECT_TRUE(has(refusal("/proc"), "/proc/jackdaw.db"));

  std::ofstream{directory_.database()} << std::string(8192, 'x');
  EXPECT_TRUE(has(refusal(directory_.path()), "not a database"));
  EXPECT_TRUE(has(refusal(directory_.path()), directory_.database()));

  TestDirectory other;
  OtherProgram{other.database()}.run("CREATE TABLE theirs(a)");
  EXPECT_TRUE(has(refusal(other.path()), "another program's database"));
  OtherProgram{other.database()}.run("CREATE TABLE jackdaw_schema(version); INSERT INTO jackdaw_schema VALUES(1000)");
  EXPECT_TRUE(has(refusal(other.path()), "newer server"));
}

TEST_F(SqliteStore, a_read_only_directory_is_named) {
  TestDirectory with_database;
  good(open_sqlite_store(with_database.path()));
  for (const auto& path : {directory_.path(), with_database.path()}) {
    std::filesystem::permissions(path, std::filesystem::perms{0555});
  }
  std::filesystem::permissions(with_database.database(), std::filesystem::perms{0444});
  ::setfsuid(65534);  // root may write everywhere; this thread's files are nobody's
  const std::string empty = refusal(directory_.path());
  const std::string full = refusal(with_database.path());
  ::setfsuid(::geteuid());
  EXPECT_TRUE(has(empty, directory_.database() + ": making the file failed: Permission denied")) << empty;
  EXPECT_TRUE(has(full, with_database.database() + ": the database cannot be written")) << full;
  for (const auto& path : {directory_.path(), with_database.path()}) {
    std::filesystem::permissions(path, std::filesystem::perms{0755});
  }
}

TEST_F(SqliteStore, a_damaged_page_fails_what_needs_it_and_nothing_else) {
  {
    auto store = good(open_sqlite_store(directory_.path()));
    Batch batch{romeo};
    for (int i = 0; i < 400; ++i) batch.set("a", std::to_string(1000 + i), std::string(500, 'x'));
    good(run(store->write(std::move(batch))));
  }
  std::fstream file{directory_.database(), std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(20 * 4096);
  file << std::string(20 * 4096, '\xa5');
  file.close();
  auto store = good(open_sqlite_store(directory_.path()));
  const auto all = run(store->map("a").all(romeo));
  ASSERT_FALSE(all.ok());
  EXPECT_TRUE(has(all.failure().what, directory_.database() + ": the database is damaged")) << all.failure().what;
  EXPECT_TRUE(has(all.failure().what, "restore a backup"));
  good(run(store->map("b").set(romeo, "key", "value")));
  EXPECT_EQ(good(run(store->map("b").get(romeo, "key"))), "value");
  EXPECT_FALSE(run(store->backup(directory_.file("x") + "/no/such/directory")).ok());
}

// 3000 owners with a row in everything.
void fill(Connection& database) {
  for (int i = 0; i < 3000; ++i) {
    AccountRecord record;
    record.jid = jid("user" + std::to_string(i) + "@example.net");
    create_account(database, record, false);
    for (const auto name : {"a", "b"}) {
      set_map_value(database, {name, record.jid.text()}, "key", "value");
      append_item(database, {name, record.jid.text()}, {.id = "1", .when = at(i), .xml = "<a/>"});
    }
  }
}

void ask_everything(Connection& database) {
  const Place place{"a", romeo.text()};
  map_value(database, place, "key");
  map_values(database, place);
  map_count(database, place);
  archive_size(database, place);
  for (const auto limit : {0, 50}) {
    find_items(database, place, {.limit = limit});
    find_items(database, place, {.from = at(0), .until = at(9), .limit = limit});
    find_items(database, place, {.from = at(0), .after_id = "0", .upto_id = "9", .limit = limit});
    erase_items(database, place, {.until = at(9), .limit = limit});
  }
  AccountRecord record;
  record.jid = romeo;
  create_account(database, record, true);
  update_account(database, record);
  account_record(database, romeo.text());
  list_accounts(database, "example.org", "", 50);
  accounts_with_rights(database, 50);
  remove_account(database, romeo.text(), at(1));
}

// The rows that the hungriest statement went through one by one, and the statement.
std::pair<int, std::string> longest_scan(const Connection& database) {
  std::pair<int, std::string> longest;
  for (auto* each = sqlite3_next_stmt(database.handle(), nullptr); each;
       each = sqlite3_next_stmt(database.handle(), each)) {
    longest = std::max(longest, {sqlite3_stmt_status(each, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0), sqlite3_sql(each)});
  }
  return longest;
}

TEST_F(SqliteStore, no_request_reads_through_other_owners_rows) {
  good(open_sqlite_store(directory_.path()));
  auto database = good(Connection::open(directory_.database(), {}, Access::write));
  database->run("BEGIN");
  fill(*database);
  ask_everything(*database);
  ASSERT_TRUE(database->run("COMMIT")) << database->take_failure().what;
  EXPECT_LT(longest_scan(*database).first, 100) << longest_scan(*database).second;
  database->run("SELECT count(*) FROM accounts WHERE rights='7'");  // one that does is seen
  EXPECT_GT(longest_scan(*database).first, 2000);
}

}  // namespace
}  // namespace jackdaw
