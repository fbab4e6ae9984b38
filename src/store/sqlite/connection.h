// Connection: one SQLite connection with its prepared statements. Query: one use of a statement.
//
// Used by one thread at a time. An error sticks: the first one is kept, and every query after it yields nothing, until
// take_failure() is asked. So a row of queries is written straight down, and looked at once, at its end.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/sqlite/options.h"

struct sqlite3;
struct sqlite3_stmt;

namespace jackdaw {

enum class Access {
  write,
  read,       // of a database that a writer has open
  untouched,  // of a file that nobody writes, without leaving a trace beside it
};

class Connection;

// Values are bound in the order of the statement's marks and must live until the Query ends.
class Query {
 public:
  Query(Connection& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Query(const Query&) = delete;
  ~Query();

  Query& text(std::string_view value);
  Query& bytes(std::string_view value);
  Query& integer(std::int64_t value);

  // True when there is a (next) row.
  bool step();
  std::string bytes_at(int column) const;
  std::int64_t integer_at(int column) const;
  bool is_null(int column) const;

 private:
  void bound(int code);
  Connection& database_;
  sqlite3_stmt* statement_;  // null after an error
  int next_ = 1;
};

class Connection {
 public:
  // Blocks. Failure: what is wrong with `file`.
  static Result<std::unique_ptr<Connection>> open(const std::string& file, const SqliteOptions& options, Access access);
  Connection(const Connection&) = delete;
  ~Connection();

  // The prepared statement is kept as long as the connection: `sql` has no values in it. One use of each at a time.
  Query query(std::string_view sql);
  // A statement without values and rows. False when it failed.
  bool run(std::string_view sql);

  bool failed() const { return failure_.has_value(); }
  // The first error since the last call.
  Failure take_failure();
  void note(int code);
  void note(Failure failure);

  bool in_transaction() const;
  std::int64_t changes() const;
  // Copies the write-ahead log into the database when it has `pages` or more. Readers and what was acknowledged are
  // not touched by it.
  void checkpoint_when(int pages);

  // Gives the memory of its page cache back; the system still holds what was read.
  void rest();

  const std::string& file() const { return file_; }
  sqlite3* handle() const { return database_; }

 private:
  explicit Connection(std::string file) : file_(std::move(file)) {}
  int open_handle(const SqliteOptions& options, Access access);
  void configure(const SqliteOptions& options, Access access);

  std::string file_;
  sqlite3* database_ = nullptr;
  int log_pages_ = 0;
  std::optional<Failure> failure_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

}  // namespace jackdaw
