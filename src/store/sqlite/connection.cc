// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/connection.h"

#include <sqlite3.h>

#include "base/memory.h"
#include "store/sqlite/diagnosis.h"

namespace jackdaw {
namespace {

// A file's name as SQLite's URI (RFC 3986 §2.1).
std::string untouched_uri(const std::string& file) {
  std::string uri = "file:";
  for (const char c : file) {
    if (c == '%' || c == '?' || c == '#') {
      uri += '%' + to_hex(std::string_view{&c, 1});
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::bound(int code) {
  ++next_;
  if (code != SQLITE_OK) database_.note(code);
}

Query& Query::text(std::string_view value) {
  // A null pointer would bind NULL instead of the empty text.
  if (statement_) {
    bound(sqlite3_bind_text64(statement_, next_, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC,
                              SQLITE_UTF8));
  }
  return *this;
}

Query& Query::bytes(std::string_view value) {
  if (statement_) {
    bound(sqlite3_bind_blob64(statement_, next_, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC));
  }
  return *this;
}

Query& Query::integer(std::int64_t value) {
  if (statement_) bound(sqlite3_bind_int64(statement_, next_, value));
  return *this;
}

bool Query::step() {
  if (!statement_ || database_.failed()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.note(code);
  return false;
}

std::string Query::bytes_at(int column) const {
  const auto* begin = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return begin ? std::string{begin, static_cast<std::size_t>(size)} : std::string{};
}

std::int64_t Query::integer_at(int column) const { return sqlite3_column_int64(statement_, column); }

bool Query::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

int Connection::open_handle(const SqliteOptions& options, Access access) {
  // No mutex: each connection belongs to one thread.
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= access == Access::untouched ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
  const std::string name = access == Access::untouched ? untouched_uri(file_) : file_;
  return sqlite3_open_v2(name.c_str(), &database_, flags, options.vfs.empty() ? nullptr : options.vfs.c_str());
}

void Connection::configure(const SqliteOptions& options, Access access) {
  sqlite3_busy_timeout(database_, static_cast<int>(options.busy_timeout.count()));
  // A damaged or foreign file can hold a schema made to mislead; nothing in it is trusted.
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  run("PRAGMA foreign_keys=ON");
  run("PRAGMA cell_size_check=ON");
  run("PRAGMA temp_store=MEMORY");
  run("PRAGMA cache_size=-2048");  // KiB: at most 2 MiB for each connection; the system caches the rest
  if (access == Access::untouched) return;
  if (Query mode = query("PRAGMA journal_mode=WAL"); mode.step() && mode.bytes_at(0) != "wal") {
    note(Failure{file_ + ": the file system has no write-ahead log (it needs shared memory); use a local disk"});
  }
  run(options.synchronous == Synchronous::full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
  run("PRAGMA journal_size_limit=67108864");  // a log grown large shrinks to 64 MiB when it begins anew
  if (access == Access::read) run("PRAGMA query_only=ON");
  run("PRAGMA wal_autocheckpoint=0");  // checkpoint_when() does it, after the completions are out
  sqlite3_wal_hook(
      database_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Connection*>(self)->log_pages_ = pages;
        return SQLITE_OK;
      },
      this);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& file, const SqliteOptions& options,
                                                     Access access) {
  std::unique_ptr<Connection> opened{new Connection(file)};
  if (const int code = opened->open_handle(options, access); code != SQLITE_OK) {
    return diagnose(file, code, opened->database_ ? sqlite3_errmsg(opened->database_) : sqlite3_errstr(code));
  }
  opened->configure(options, access);
  if (opened->failed()) return opened->take_failure();
  return opened;
}

Connection::~Connection() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

void Connection::rest() {
  sqlite3_db_release_memory(database_);
  give_memory_back();
}

Query Connection::query(std::string_view sql) {
  if (failed()) return Query{*this, nullptr};
  auto found = statements_.find(sql);
  if (found == statements_.end()) found = statements_.emplace(sql, nullptr).first;
  auto& statement = found->second;
  if (!statement) {
    const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
    if (code != SQLITE_OK) note(code);
  }
  return Query{*this, statement};
}

bool Connection::run(std::string_view sql) {
  Query statement = query(sql);
  while (statement.step()) {
  }
  return !failed();
}

Failure Connection::take_failure() {
  Failure taken = failure_.value_or(Failure{file_ + ": the database failed without saying why; look at the disk"});
  failure_.reset();
  return taken;
}

void Connection::note(int code) {
  if (!failure_) failure_ = diagnose(file_, code, sqlite3_errmsg(database_));
}

void Connection::note(Failure failure) {
  if (!failure_) failure_ = std::move(failure);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(database_) == 0; }

std::int64_t Connection::changes() const { return sqlite3_changes64(database_); }

void Connection::checkpoint_when(int pages) {
  if (log_pages_ < pages) return;
  const int code = sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  log_pages_ = 0;  // told again at the next commit
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) note(code);
}

}  // namespace jackdaw
