// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "store/sqlite/diagnosis.h"
#include "store/sqlite/schema.h"

namespace jackdaw {
namespace {

constexpr int copied_at_once = 256;  // pages

Result<Done> sync(const std::string& file, int flags) {
  const int descriptor = ::open(file.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return diagnose_system(file, "opening", errno);
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (failed) return diagnose_system(file, "syncing", failed);
  return Done{};
}

int copy_pages(sqlite3* from, sqlite3* to) {
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  if (!backup) return sqlite3_errcode(to);
  int code = SQLITE_OK;
  while (code == SQLITE_OK) code = sqlite3_backup_step(backup, copied_at_once);
  sqlite3_backup_finish(backup);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

Result<Done> copy_into(Connection& source, const std::string& file) {
  sqlite3* target = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  // One read transaction around all steps: the copy is of one moment, whatever is written meanwhile.
  const bool began = source.run("BEGIN") && source.run("SELECT count(*) FROM sqlite_schema");
  if (code == SQLITE_OK && began) code = copy_pages(source.handle(), target);
  Failure why = diagnose(file, code, target ? sqlite3_errmsg(target) : sqlite3_errstr(code));
  sqlite3_close(target);
  if (source.in_transaction()) source.run("COMMIT");
  if (source.failed()) return source.take_failure();
  if (code != SQLITE_OK) return why;
  if (auto synced = sync_file(file); !synced) return synced;
  return sync_directory_of(file);
}

Result<Done> check_backup(const std::string& file) {
  std::error_code ignored;
  if (std::filesystem::file_size(file + "-wal", ignored) > 0 && !ignored) {
    return Failure{file +
                   ": a log (-wal) lies beside it, so this is a running server's database and not a backup; "
                   "make one with the backup command"};
  }
  auto backup = Connection::open(file, {}, Access::untouched);
  if (!backup) return backup.failure();
  auto version = schema_version(**backup);
  if (!version) return version.failure();
  if (*version < 1) return Failure{file + ": this database is empty; choose a backup that the backup command made"};
  if (auto known = known_version(**backup, *version, schema_steps()); !known) return known;
  if (auto whole = whole_schema(**backup, *version, schema_steps()); !whole) return whole;
  Query check = (*backup)->query("PRAGMA integrity_check(1)");
  const std::string found = check.step() ? check.bytes_at(0) : std::string{};
  if ((*backup)->failed()) return (*backup)->take_failure();
  if (found != "ok") return Failure{file + ": this backup is damaged (" + found + "); choose another one"};
  return Done{};
}

Result<Done> copy_file(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::remove(to, error);  // of an interrupted restore
  if (auto made = make_new_file(to); !made) return made;
  // A copy that finds no room fails with one error or another.
  const auto room = std::filesystem::space(to, error);
  if (const auto size = std::filesystem::file_size(from, error); !error && room.available < size)
    return diagnose_system(to, "copying " + from, ENOSPC);
  // Over the file just made.
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing, error);
  if (error) return diagnose_system(to, "copying " + from, error.value());
  std::filesystem::permissions(to, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, error);
  return sync_file(to);
}

// The new database must never meet the old one's log. So the old log goes first: into the old database where that
// works, which stays whole then if the power fails before the new one is in its place.
Result<Done> settle_old(const std::string& file) {
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    if (auto old = Connection::open(file, {}, Access::write)) (*old)->checkpoint_when(0);
  }
  for (const char* beside : {"-wal", "-shm"}) {
    if (std::filesystem::remove(file + beside, error); error) {
      return diagnose_system(file + beside, "removing", error.value());
    }
  }
  return sync_directory_of(file);
}

}  // namespace

Result<Done> make_new_file(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return diagnose_system(file, "making the file", errno);
  ::close(descriptor);
  return Done{};
}

Result<Done> sync_file(const std::string& file) { return sync(file, O_RDONLY); }

Result<Done> sync_directory_of(const std::string& file) {
  const auto directory = std::filesystem::path{file}.parent_path();
  return sync(directory.empty() ? "." : directory.string(), O_RDONLY | O_DIRECTORY);
}

Result<Done> copy_database(Connection& source, const std::string& file) {
  if (auto made = make_new_file(file); !made) return made;
  auto copied = copy_into(source, file);
  if (!copied) {
    std::error_code ignored;
    for (const char* part : {"", "-journal", "-wal", "-shm"}) std::filesystem::remove(file + part, ignored);
  }
  return copied;
}

Result<Done> restore_sqlite_store(const std::string& backup_file, const std::string& directory) {
  if (auto good = check_backup(backup_file); !good) return good;
  const std::string file = directory + "/jackdaw.db";
  const std::string coming = file + ".restoring";
  auto copied = copy_file(backup_file, coming);
  if (copied) copied = settle_old(file);
  if (!copied) {
    std::error_code ignored;
    std::filesystem::remove(coming, ignored);
    return copied;
  }
  if (::rename(coming.c_str(), file.c_str()) != 0) return diagnose_system(file, "renaming " + coming, errno);
  return sync_directory_of(file);
}

}  // namespace jackdaw
