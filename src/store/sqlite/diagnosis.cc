// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/diagnosis.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>

#include "base/log.h"
#include "base/metrics.h"

namespace jackdaw {
namespace {

const Log store_log{"STORE"};
const Metric store_failures{"jackdaw_store_failures", "Requests that the database could not do."};
constexpr auto quiet_time = std::chrono::minutes{1};

struct Meaning {
  std::string_view what, remedy;
};

Meaning meaning_of(int code) {
  if (code == SQLITE_IOERR_SHMSIZE) code = SQLITE_FULL;  // no room for the memory that processes share
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {"the disk is full", "make room on it; requests are tried again as they come"};
    case SQLITE_IOERR:
      return {"the disk could not be read or written", "look at the disk and the system's log"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {"the database cannot be written", "let the server's user write to the file and to its directory"};
    case SQLITE_CORRUPT:
      return {"the database is damaged", "stop the server and restore a backup"};
    case SQLITE_NOTADB:
      return {"this is not a database", "restore a backup, or move the file away to begin with an empty one"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {"the database is locked by another process", "end the program that has it open"};
    case SQLITE_CANTOPEN:
      return {"the database cannot be opened", "see that its directory exists and the server's user may use it"};
    case SQLITE_TOOBIG:
      return {"a value is too large for the database", "store less at once"};
    case SQLITE_NOMEM:
      return {"there is no memory for the database", "give the server more memory"};
    default:
      return {"the database refused a request", "see what it says"};
  }
}

}  // namespace

Failure diagnose(const std::string& file, int code, std::string_view text) {
  const Meaning meaning = meaning_of(code);
  return {fmt::format("{}: {} (SQLite error {}: {}); {}", file, meaning.what, code, text, meaning.remedy)};
}

Failure diagnose_system(const std::string& file, std::string_view doing, int error) {
  return {
      fmt::format("{}: {} failed: {}; see that its directory exists, has room, and the server's user may write there",
                  file, doing, std::strerror(error))};
}

void FailureLog::note(const Failure& failure) {
  store_failures.add();
  std::lock_guard lock(mutex_);
  const Steady now = system_clock().steady();
  if (last_ && now - *last_ < quiet_time) {
    ++unsaid_;
    return;
  }
  store_log.failure("database failed", {{"why", failure.what}, {"unsaid", unsaid_}});
  last_ = now;
  unsaid_ = 0;
}

}  // namespace jackdaw
