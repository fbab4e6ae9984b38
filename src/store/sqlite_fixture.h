// The fixture of the tests that only the SQLite store has.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sqlite3.h>

#include "base/log.h"
#include "base/log_rules.h"
#include "base/metrics.h"
#include "store/sqlite/options.h"
#include "store/store_test_tools.h"

namespace jackdaw {

// Another program with the database open.
class OtherProgram {
 public:
  explicit OtherProgram(const std::string& file) {
    check(sqlite3_open(file.c_str(), &database_) == SQLITE_OK, "the other program cannot open the database");
  }
  OtherProgram(const OtherProgram&) = delete;
  ~OtherProgram() { sqlite3_close(database_); }
  void run(const char* sql) {
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(database_, sql, nullptr, nullptr, &error), SQLITE_OK) << sql << ": " << (error ? error : "");
    sqlite3_free(error);
  }
  // The first column of all rows, in one text.
  std::string ask(const char* sql) {
    std::string rows;
    const auto add = [](void* to, int, char** columns, char**) {
      *static_cast<std::string*>(to) += std::string{columns[0] ? columns[0] : "NULL"} + '\n';
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database_, sql, add, &rows, nullptr), SQLITE_OK) << sql;
    return rows;
  }

 private:
  sqlite3* database_ = nullptr;
};

inline const BareJid romeo = jid("romeo@example.org");

class SqliteStoreTest : public testing::Test {
 protected:
  void SetUp() override { set_log_level(LogLevel::crashes); }
  void TearDown() override { set_log_level(LogLevel::major); }

  template <class T>
  T run(Task<T> task) {
    return loop_.run(std::move(task));
  }
  Task<Result<Done>> set(Store& store, std::string key) { return store.map("a").set(romeo, std::move(key), "value"); }
  // Why a store cannot be opened.
  std::string refusal(const std::string& directory) {
    auto opened = open_sqlite_store(directory);
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? "" : opened.failure().what;
  }
  static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

  TestDirectory directory_;
  TestLoop loop_;
};

inline std::int64_t metric(std::string_view name) {
  for (const Metric* each : Metric::all()) {
    if (each->name() == name) return each->sum();
  }
  ADD_FAILURE() << "no metric " << name;
  return 0;
}

inline Task<void> count_result(Task<Result<Done>> task, int& stored, int& failed) {
  const auto result = co_await std::move(task);
  ++(result ? stored : failed);
}

}  // namespace jackdaw
