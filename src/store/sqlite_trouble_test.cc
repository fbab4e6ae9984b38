// The SQLite store in trouble: a disk that is full, locks of other processes, a queue that is full.
// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <thread>

#include "base/log_output.h"
#include "store/sqlite/fault_vfs.h"
#include "store/sqlite_fixture.h"

namespace jackdaw {
namespace {

using SqliteTrouble = SqliteStoreTest;

TEST_F(SqliteTrouble, a_full_or_failing_disk_fails_requests_until_it_works_again) {
  const std::pair<int, const char*> errors[]{{SQLITE_FULL, "the disk is full"},
                                             {SQLITE_IOERR_WRITE, "could not be read or written"},
                                             {SQLITE_READONLY, "cannot be written"},
                                             {SQLITE_CORRUPT, "damaged"},
                                             {SQLITE_NOMEM, "no memory"}};
  FaultVfs disk{"failing"};
  auto store = good(open_sqlite_store(directory_.path(), SqliteOptions{.vfs = disk.name()}));
  int done = 0;
  for (const auto& [code, says] : errors) {
    good(run(set(*store, std::to_string(++done))));
    disk.fail_writes(code);
    for (const char* key : {"lost", "lost too"}) {
      const auto failed = run(set(*store, key));
      ASSERT_FALSE(failed.ok()) << says;
      EXPECT_TRUE(has(failed.failure().what, directory_.database() + ": ")) << failed.failure().what;
      EXPECT_TRUE(has(failed.failure().what, says)) << failed.failure().what;
    }
    EXPECT_EQ(good(run(store->map("a").count(romeo))), done);  // reading goes on
    disk.fail_writes(0);
    good(run(set(*store, std::to_string(++done))));
    EXPECT_EQ(good(run(store->map("a").count(romeo))), done);
  }
  EXPECT_EQ(good(run(store->map("a").get(romeo, "lost"))), std::nullopt);
}

TEST_F(SqliteTrouble, a_value_that_fills_the_disk_half_way_leaves_nothing) {
  FaultVfs disk{"half"};
  auto store = good(open_sqlite_store(directory_.path(), SqliteOptions{.vfs = disk.name()}));
  good(run(set(*store, "before")));
  disk.fail_writes(SQLITE_FULL);
  Batch batch{romeo};
  batch.set("a", "small", "1");
  batch.set("a", "large", std::string(32_MiB, 'x'));  // more than the page cache: written before the commit
  batch.append("offline", {.id = "01", .when = at(1), .xml = "<a/>"});
  EXPECT_FALSE(run(store->write(std::move(batch))).ok());
  disk.fail_writes(0);
  EXPECT_EQ(good(run(store->map("a").count(romeo))), 1);
  EXPECT_EQ(good(run(store->archive("offline").size(romeo))).items, 0);
  good(run(set(*store, "after")));
}

TEST_F(SqliteTrouble, another_process_lock_is_named_and_ends) {
  auto store = good(open_sqlite_store(directory_.path(), SqliteOptions{.busy_timeout = 20ms}));
  good(run(set(*store, "1")));
  OtherProgram other{directory_.database()};
  other.run("BEGIN EXCLUSIVE");
  const auto failed = run(set(*store, "2"));
  ASSERT_FALSE(failed.ok());
  EXPECT_TRUE(has(failed.failure().what, directory_.database() + ": the database is locked by another process"));
  EXPECT_EQ(good(run(store->map("a").get(romeo, "1"))), "value");
  other.run("COMMIT");
  good(run(set(*store, "2")));
}

TEST_F(SqliteTrouble, a_short_lock_is_waited_for) {
  auto store = good(open_sqlite_store(directory_.path()));
  OtherProgram other{directory_.database()};
  other.run("BEGIN EXCLUSIVE");
  std::thread ends{[&] {
    std::this_thread::sleep_for(100ms);
    other.run("COMMIT");
  }};
  good(run(set(*store, "1")));
  ends.join();
}

TEST_F(SqliteTrouble, a_request_that_fails_by_itself_takes_no_other_along) {
  auto store = good(open_sqlite_store(directory_.path()));
  OtherProgram other{directory_.database()};
  other.run("CREATE TRIGGER no BEFORE INSERT ON map_entries WHEN new.key=x'6e6f' BEGIN SELECT RAISE(ABORT, 'no'); END");
  other.run("BEGIN EXCLUSIVE");  // so that all the requests wait for one transaction
  int stored = 0;
  int failed = 0;
  std::vector<Task<void>> tasks;
  tasks.reserve(101);
  for (int i = 0; i < 50; ++i) tasks.push_back(count_result(set(*store, std::to_string(i)), stored, failed));
  Batch batch{romeo};
  batch.set("a", "with it", "value");
  batch.append("offline", {.id = "01", .when = at(1), .xml = "<a/>"});
  batch.set("a", "no", "value");
  batch.set("a", "behind it", "value");
  tasks.push_back(count_result(store->write(std::move(batch)), stored, failed));
  for (int i = 50; i < 100; ++i) tasks.push_back(count_result(set(*store, std::to_string(i)), stored, failed));
  std::thread ends{[&] {
    std::this_thread::sleep_for(50ms);
    other.run("COMMIT");
  }};
  loop_.run_all(std::move(tasks));
  ends.join();
  EXPECT_EQ(stored, 100);
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(good(run(store->map("a").count(romeo))), 100);  // nothing of the batch
  EXPECT_EQ(good(run(store->archive("offline").size(romeo))).items, 0);
}

TEST_F(SqliteTrouble, a_full_queue_says_so_at_once) {
  auto store = good(open_sqlite_store(directory_.path(), SqliteOptions{.queue_requests = 10}));
  OtherProgram other{directory_.database()};
  other.run("BEGIN EXCLUSIVE");
  int stored = 0;
  int failed = 0;
  const auto refused = metric("jackdaw_store_refused");
  for (int i = 0; i < 15; ++i) spawn(count_result(set(*store, std::to_string(i)), stored, failed));
  EXPECT_EQ(failed, 5);
  EXPECT_EQ(metric("jackdaw_store_refused"), refused + 5);
  EXPECT_EQ(store->queued(), 10);
  other.run("COMMIT");
  loop_.run_until([&] { return stored == 10; });
  EXPECT_EQ(store->queued(), 0);
  good(run(set(*store, "again")));
}

TEST_F(SqliteTrouble, the_queue_counts_bytes_too) {
  auto store = good(open_sqlite_store(directory_.path(), SqliteOptions{.queue_bytes = 10'000}));
  OtherProgram other{directory_.database()};
  other.run("BEGIN EXCLUSIVE");
  int stored = 0;
  int failed = 0;
  auto& map = store->map("a");
  for (const auto key : {"1", "2", "3"}) {
    spawn(count_result(map.set(romeo, key, std::string(4'000, 'x')), stored, failed));
  }
  EXPECT_EQ(failed, 1);
  other.run("COMMIT");
  loop_.run_until([&] { return stored == 2; });
  good(run(map.set(romeo, "large", std::string(1_MiB, 'x'))));  // alone, it is taken
}

TEST_F(SqliteTrouble, many_writes_share_few_commits) {
  auto store = good(open_sqlite_store(directory_.path()));
  const auto before = metric("jackdaw_store_commits");
  int stored = 0;
  int failed = 0;
  std::vector<Task<void>> tasks;
  tasks.reserve(2000);
  for (int i = 0; i < 2000; ++i) tasks.push_back(count_result(set(*store, std::to_string(i)), stored, failed));
  loop_.run_all(std::move(tasks));
  EXPECT_EQ(stored, 2000);
  EXPECT_LT(metric("jackdaw_store_commits") - before, 500);
}

TEST_F(SqliteTrouble, what_was_accepted_is_committed_at_the_end) {
  int stored = 0;
  int failed = 0;
  {
    auto store = good(open_sqlite_store(directory_.path()));
    for (int i = 0; i < 1000; ++i) spawn(count_result(set(*store, std::to_string(i)), stored, failed));
  }
  loop_.run_until([&] { return loop_.idle(); });
  EXPECT_EQ(stored, 1000);
  EXPECT_FALSE(std::filesystem::exists(directory_.database() + "-wal"));  // all is in the one file
  auto store = good(open_sqlite_store(directory_.path()));
  EXPECT_EQ(good(run(store->map("a").count(romeo))), 1000);
}

TEST_F(SqliteTrouble, the_log_does_not_grow_for_ever) {
  auto store = good(open_sqlite_store(directory_.path()));
  for (int i = 0; i < 60; ++i) good(run(store->map("a").set(romeo, "key", std::string(1_MiB, static_cast<char>(i)))));
  EXPECT_LT(std::filesystem::file_size(directory_.database() + "-wal"), 20U << 20);
}

TEST_F(SqliteTrouble, the_log_tells_it_once_a_minute) {
  FaultVfs disk{"told once"};
  set_log_level(LogLevel::failures);
  ASSERT_EQ(open_log(directory_.file("log")), "");
  const auto failures = metric("jackdaw_store_failures");
  {
    auto store = good(open_sqlite_store(directory_.path(), SqliteOptions{.vfs = disk.name()}));
    disk.fail_writes(SQLITE_FULL);
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(run(set(*store, "key")).ok());
    disk.fail_writes(0);
  }
  close_log();
  std::ifstream in{directory_.file("log")};
  const std::string log{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
  EXPECT_TRUE(has(log, directory_.database() + ": the disk is full")) << log;
  EXPECT_EQ(metric("jackdaw_store_failures"), failures + 20);
}

}  // namespace
}  // namespace jackdaw
