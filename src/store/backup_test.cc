// Backups of the SQLite store while others write, and restoring them.
// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <thread>

#include "store/sqlite/options.h"
#include "store/sqlite/schema.h"
#include "store/store_test_tools.h"

namespace jackdaw {
namespace {

const BareJid romeo = jid("romeo@example.org");

class Backup : public testing::Test {
 protected:
  template <class T>
  T run(Task<T> task) {
    return loop_.run(std::move(task));
  }
  // A store with one value in it.
  std::unique_ptr<Store> store_with(const TestDirectory& directory, std::string value) {
    auto store = good(open_sqlite_store(directory.path()));
    good(run(store->map("a").set(romeo, "key", std::move(value))));
    return store;
  }
  std::string value_in(const TestDirectory& directory) {
    auto store = good(open_sqlite_store(directory.path()));
    return good(run(store->map("a").get(romeo, "key"))).value_or("nothing");
  }
  static std::string content(const std::string& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  // Restores `file` over a store that must stay as it is; answers why it was refused.
  std::string refusal(const std::string& file) {
    TestDirectory kept;
    store_with(kept, "kept");
    const auto before = content(kept.database());
    const auto restored = restore_sqlite_store(file, kept.path());
    EXPECT_FALSE(restored.ok());
    EXPECT_EQ(content(kept.database()), before);
    EXPECT_EQ(value_in(kept), "kept");
    return restored.ok() ? "" : restored.failure().what;
  }
  static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

  TestDirectory directory_;
  TestLoop loop_;
};

Task<void> back_up(Store& store, std::string file, bool& done) {
  good(co_await store.backup(std::move(file)));
  done = true;
}

// Two values that are equal in every committed state, until the backup is there.
Task<void> write_pairs(Store& store, const bool& done, int& written) {
  while (!done) {
    Batch batch{romeo};
    batch.set("a", "one", std::to_string(written + 1));
    batch.set("b", "other", std::to_string(written + 1));
    if (good(co_await store.write(std::move(batch))); testing::Test::HasFailure()) co_return;
    ++written;
  }
}

TEST_F(Backup, is_of_one_moment_while_others_write) {
  auto store = store_with(directory_, "value");
  for (int i = 0; i < 32; ++i) {
    good(run(store->map("bulk").set(romeo, std::to_string(i), std::string(1_MiB, 'x'))));
  }
  bool done = false;
  int written = 0;
  std::vector<Task<void>> tasks;
  tasks.push_back(write_pairs(*store, done, written));
  tasks.push_back(back_up(*store, directory_.file("copy.db"), done));
  loop_.run_all(std::move(tasks));
  EXPECT_GT(written, 0);  // the writer was not held up until the end

  TestDirectory other;
  good(restore_sqlite_store(directory_.file("copy.db"), other.path()));
  auto restored = good(open_sqlite_store(other.path()));
  EXPECT_EQ(good(run(restored->map("bulk").count(romeo))), 32);
  EXPECT_EQ(good(run(restored->map("a").get(romeo, "one"))), good(run(restored->map("b").get(romeo, "other"))));
}

TEST_F(Backup, needs_a_new_file_in_a_directory_that_is_there) {
  auto store = store_with(directory_, "value");
  std::ofstream{directory_.file("there")} << "precious";
  const auto over = run(store->backup(directory_.file("there")));
  ASSERT_FALSE(over.ok());
  EXPECT_TRUE(has(over.failure().what, directory_.file("there") + ": making the file failed: File exists"));
  EXPECT_EQ(content(directory_.file("there")), "precious");
  const auto nowhere = run(store->backup(directory_.file("no/such.db")));
  ASSERT_FALSE(nowhere.ok());
  EXPECT_TRUE(has(nowhere.failure().what, directory_.file("no/such.db")));
  good(run(store->backup(directory_.file("new 100%#?.db"))));  // and the store goes on
  TestDirectory other;
  good(restore_sqlite_store(directory_.file("new 100%#?.db"), other.path()));
  EXPECT_EQ(value_in(other), "value");
}

TEST_F(Backup, takes_the_place_of_the_old_database_and_its_log) {
  TestDirectory old;
  auto running = store_with(old, "old");
  {
    auto store = store_with(directory_, "restored");
    good(run(store->backup(directory_.file("copy.db"))));
  }
  // As a power cut leaves it: the last transaction is in the log only.
  TestDirectory crashed;
  for (const char* part : {"", "-wal"}) std::filesystem::copy(old.database() + part, crashed.database() + part);
  ASSERT_GT(std::filesystem::file_size(crashed.database() + "-wal"), 0U);
  std::ofstream{crashed.database() + ".restoring"} << "of an interrupted restore";
  good(restore_sqlite_store(directory_.file("copy.db"), crashed.path()));
  EXPECT_EQ(value_in(crashed), "restored");
  EXPECT_FALSE(std::filesystem::exists(crashed.database() + ".restoring"));
  EXPECT_EQ(std::filesystem::status(crashed.database()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Backup, comes_back_where_the_old_database_is_damaged_or_missing) {
  {
    auto store = store_with(directory_, "restored");
    good(run(store->backup(directory_.file("copy.db"))));
  }
  TestDirectory damaged;
  std::ofstream{damaged.database()} << std::string(8192, 'x');
  std::ofstream{damaged.database() + "-wal"} << std::string(8192, 'y');
  good(restore_sqlite_store(directory_.file("copy.db"), damaged.path()));
  EXPECT_EQ(value_in(damaged), "restored");
  TestDirectory empty;
  good(restore_sqlite_store(directory_.file("copy.db"), empty.path()));
  EXPECT_EQ(value_in(empty), "restored");
}

TEST_F(Backup, is_checked_before_anything_changes) {
  EXPECT_TRUE(has(refusal(directory_.file("missing.db")), directory_.file("missing.db")));
  std::ofstream{directory_.file("text.db")} << std::string(8192, 'x');
  EXPECT_TRUE(has(refusal(directory_.file("text.db")), "not a database"));
  std::ofstream{directory_.file("empty.db")}.close();
  EXPECT_TRUE(has(refusal(directory_.file("empty.db")), "is empty"));

  auto store = store_with(directory_, "value");
  EXPECT_TRUE(has(refusal(directory_.database()), "a running server's database"));
  for (int i = 0; i < 200; ++i) good(run(store->map("b").set(romeo, std::to_string(i), std::string(500, 'x'))));
  good(run(store->backup(directory_.file("copy.db"))));
  std::fstream file{directory_.file("copy.db"), std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(16 * 4096);
  file << std::string(8 * 4096, '\xa5');
  file.close();
  EXPECT_TRUE(has(refusal(directory_.file("copy.db")), "damaged"));

  good(run(store->backup(directory_.file("newer.db"))));
  {
    auto newer = good(Connection::open(directory_.file("newer.db"), {}, Access::write));
    ASSERT_TRUE(newer->run("UPDATE jackdaw_schema SET version=1000"));
  }
  EXPECT_TRUE(has(refusal(directory_.file("newer.db")), "newer server"));

  for (const auto& [wound, missing] :
       {std::pair{"DROP TABLE map_entries", "map_entries.key"}, std::pair{"DROP INDEX accounts_by_domain", "index acc"},
        std::pair{"ALTER TABLE archive_items RENAME COLUMN xml TO text", "archive_items.xml"}}) {
    const std::string name = directory_.file(missing);
    good(run(store->backup(name)));
    {
      auto wounded = good(Connection::open(name, {}, Access::write));
      ASSERT_TRUE(wounded->run(wound)) << wounded->take_failure().what;
    }
    EXPECT_TRUE(has(refusal(name), missing));
    EXPECT_TRUE(has(refusal(name), "is not whole"));
  }
}

}  // namespace
}  // namespace jackdaw
