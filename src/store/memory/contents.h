// What a memory store holds, without locks and waiting.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"

namespace jackdaw {

// The name of a map or archive, and the owner.
using Owned = std::pair<std::string, std::string>;

struct Contents {
  std::map<Owned, std::map<std::string, std::string>> maps;
  std::map<Owned, std::map<std::string, ArchiveItem>> archives;
  std::map<std::string, AccountRecord> accounts;
  std::map<std::string, TimePoint> removed;

  Done apply(const Batch& batch);
  Done erase_all_of(const std::string& owner);
  std::vector<ArchiveItem> find(const Owned& owned, const ArchiveQuery& query);
  bool has_lookalike(const AccountRecord& record) const;
};

// Writes everything into a new database file, which restore_sqlite_store() takes.
Result<Done> write_contents(const Contents& contents, const std::string& file);

}  // namespace jackdaw
