// What the server needs from a database: maps, archives and accounts, nothing else.
//
// Every call may suspend and none blocks its thread; it resumes on the executor that called. A write is durable (synced
// to disk) before its Task returns; writes that wait at the same time share one transaction and one sync. Every
// implementation passes store/store_conformance_test.cc; that file, not this one, says what an edge case means.
// A Failure only when the database failed (disk full, locked, corrupt): nothing of that call was stored then.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "stanza/jid.h"
#include "store/accounts.h"

namespace jackdaw {

// Small values that belong to one owner. Keys and values are opaque bytes; an empty key is a key.
class MapStore {
 public:
  virtual ~MapStore() = default;

  // Empty when nothing is stored under `key`.
  virtual Task<Result<std::optional<std::string>>> get(BareJid owner, std::string key) = 0;
  // Replaces or, given no value, removes.
  virtual Task<Result<Done>> set(BareJid owner, std::string key, std::optional<std::string> value) = 0;
  // Everything of `owner`, in the order of the keys' bytes.
  virtual Task<Result<std::vector<std::pair<std::string, std::string>>>> all(BareJid owner) = 0;
  virtual Task<Result<std::int64_t>> count(BareJid owner) = 0;
};

// One stored stanza. The id is the caller's (XEP-0359, base/ids.h); ids of one owner sort in the order of appending.
struct ArchiveItem {
  std::string id;
  TimePoint when;
  std::string xml;
  friend bool operator==(const ArchiveItem&, const ArchiveItem&) = default;
};

// All conditions hold together; items come in the order of their ids, oldest first.
struct ArchiveQuery {
  std::optional<TimePoint> from, until;  // inclusive
  std::string after_id;                  // only ids greater than this
  std::string upto_id;                   // only ids up to and including this; empty: no bound
  std::int64_t limit = 50;
};

struct ArchiveSize {
  std::int64_t items = 0;
  std::int64_t bytes = 0;  // of the xml
};

// An append-only list of stanzas that belongs to one owner: message archive, offline queue.
class ArchiveStore {
 public:
  virtual ~ArchiveStore() = default;

  // Appending an id that is there already stores nothing and succeeds (a repeated write is harmless).
  virtual Task<Result<Done>> append(BareJid owner, ArchiveItem item) = 0;
  virtual Task<Result<std::vector<ArchiveItem>>> find(BareJid owner, ArchiveQuery query) = 0;
  // Erases what `query` finds (its limit counts too; 0 or less: no limit). Returns how many.
  virtual Task<Result<std::int64_t>> erase(BareJid owner, ArchiveQuery query) = 0;
  virtual Task<Result<ArchiveSize>> size(BareJid owner) = 0;
};

// Several changes of one owner that happen together or not at all, across maps and archives.
class Batch {
 public:
  explicit Batch(BareJid owner) : owner_(std::move(owner)) {}
  void set(std::string map, std::string key, std::optional<std::string> value) {
    sets_.push_back({std::move(map), std::move(key), std::move(value)});
  }
  void append(std::string archive, ArchiveItem item) { appends_.push_back({std::move(archive), std::move(item)}); }

  struct Set {
    std::string map, key;
    std::optional<std::string> value;
  };
  struct Append {
    std::string archive;
    ArchiveItem item;
  };
  const BareJid& owner() const { return owner_; }
  const std::vector<Set>& sets() const { return sets_; }
  const std::vector<Append>& appends() const { return appends_; }

 private:
  BareJid owner_;
  std::vector<Set> sets_;
  std::vector<Append> appends_;
};

class Store {
 public:
  virtual ~Store() = default;
  // Made on first use; valid as long as the store. Any thread.
  virtual MapStore& map(std::string_view name) = 0;
  virtual ArchiveStore& archive(std::string_view name) = 0;
  virtual AccountStore& accounts() = 0;

  virtual Task<Result<Done>> write(Batch batch) = 0;
  // Removes all that is `owner`'s in every map and archive (not the account itself).
  virtual Task<Result<Done>> erase_owner(BareJid owner) = 0;
  // A consistent copy of everything in a new file, while others go on. Fails when the file exists.
  virtual Task<Result<Done>> backup(std::string file) = 0;
  // Requests waiting; a gauge.
  virtual std::int64_t queued() const = 0;
};

// Opens (or makes) the database in `directory`/jackdaw.db and brings its schema up to date. Blocks; before the cores
// start. Failure: one line that says what is wrong with which file and what to do.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& directory);
// Checks a backup without changing anything, then puts it in the place of `directory`/jackdaw.db. The caller holds
// the directory's lock and has no store open.
Result<Done> restore_sqlite_store(const std::string& backup_file, const std::string& directory);

// Keeps everything in memory, for tests.
std::unique_ptr<Store> make_memory_store();

}  // namespace jackdaw
