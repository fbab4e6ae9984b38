// SPDX-License-Identifier: Apache-2.0
#include "store/memory/contents.h"

#include "store/sqlite/account_rows.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/items.h"
#include "store/sqlite/schema.h"

namespace jackdaw {
namespace {

void write_rows(Connection& database, const Contents& contents) {
  database.run("BEGIN");
  for (const auto& [owned, values] : contents.maps) {
    for (const auto& [key, value] : values) set_map_value(database, {owned.first, owned.second}, key, value);
  }
  for (const auto& [owned, items] : contents.archives) {
    for (const auto& [id, item] : items) append_item(database, {owned.first, owned.second}, item);
  }
  for (const auto& [jid, record] : contents.accounts) create_account(database, record, false);
  for (const auto& [jid, when] : contents.removed) note_removed_name(database, jid, when);
  database.run("COMMIT");
}

bool fits(const ArchiveItem& item, const ArchiveQuery& query) {
  return (!query.from || item.when >= *query.from) && (!query.until || item.when <= *query.until) &&
         (query.upto_id.empty() || item.id <= query.upto_id);
}

}  // namespace

Done Contents::apply(const Batch& batch) {
  const std::string& owner = batch.owner().text();
  for (const auto& set : batch.sets()) {
    auto& values = maps[{set.map, owner}];
    if (set.value) {
      values[set.key] = *set.value;
    } else {
      values.erase(set.key);
    }
  }
  for (const auto& append : batch.appends()) archives[{append.archive, owner}].emplace(append.item.id, append.item);
  return {};
}

Done Contents::erase_all_of(const std::string& owner) {
  std::erase_if(maps, [&](const auto& entry) { return entry.first.second == owner; });
  std::erase_if(archives, [&](const auto& entry) { return entry.first.second == owner; });
  return {};
}

std::vector<ArchiveItem> Contents::find(const Owned& owned, const ArchiveQuery& query) {
  const auto& items = archives[owned];
  std::vector<ArchiveItem> found;
  auto next = query.after_id.empty() ? items.begin() : items.upper_bound(query.after_id);
  for (; next != items.end(); ++next) {
    if (query.limit > 0 && static_cast<std::int64_t>(found.size()) == query.limit) break;
    if (fits(next->second, query)) found.push_back(next->second);
  }
  return found;
}

bool Contents::has_lookalike(const AccountRecord& record) const {
  return std::any_of(accounts.begin(), accounts.end(), [&](const auto& account) {
    return account.second.jid.domainpart() == record.jid.domainpart() && account.second.skeleton == record.skeleton;
  });
}

Result<Done> write_contents(const Contents& contents, const std::string& file) {
  if (auto made = make_new_file(file); !made) return made;
  auto database = Connection::open(file, {}, Access::write);
  if (!database) return database.failure();
  if (auto ready = bring_up_to_date(**database); !ready) return ready;
  write_rows(**database, contents);
  if ((*database)->failed()) return (*database)->take_failure();
  return Done{};
}

}  // namespace jackdaw
