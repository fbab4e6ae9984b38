// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/items.h"

namespace jackdaw {
namespace {

// The ids of what `query` finds, as a subquery. Which conditions it has depends on the query, their values do not:
// those are bound by bind_found(). ?1 is the archive, ?2 the owner.
std::string found_ids(const ArchiveQuery& query) {
  // By time through the slim index where the range of ids would lead past many stanzas; else along the ids, which stops
  // at the limit.
  const bool all_at_once = query.limit <= 0 && (query.from || query.until);
  const bool by_time = all_at_once || (query.from && query.after_id.empty());
  std::string sql = "SELECT id FROM archive_items ";
  sql += by_time ? "INDEXED BY archive_by_time" : "NOT INDEXED";
  sql += " WHERE archive=?1 AND owner=?2";
  if (!query.after_id.empty()) sql += " AND id>?";
  if (!query.upto_id.empty()) sql += " AND id<=?";
  if (query.from) sql += " AND at>=?";
  if (query.until) sql += " AND at<=?";
  sql += " ORDER BY id";
  if (query.limit > 0) sql += " LIMIT ?";
  return sql;
}

void bind_found(Query& statement, Place place, const ArchiveQuery& query) {
  statement.text(place.name).text(place.owner);
  if (!query.after_id.empty()) statement.bytes(query.after_id);
  if (!query.upto_id.empty()) statement.bytes(query.upto_id);
  if (query.from) statement.integer(query.from->time_since_epoch().count());
  if (query.until) statement.integer(query.until->time_since_epoch().count());
  if (query.limit > 0) statement.integer(query.limit);
}

}  // namespace

std::optional<std::string> map_value(Connection& database, Place place, std::string_view key) {
  Query row = database.query("SELECT value FROM map_entries WHERE map=? AND owner=? AND key=?");
  if (!row.text(place.name).text(place.owner).bytes(key).step()) return std::nullopt;
  return row.bytes_at(0);
}

void set_map_value(Connection& database, Place place, std::string_view key, const std::optional<std::string>& value) {
  if (value) {
    Query set = database.query("INSERT OR REPLACE INTO map_entries(map, owner, key, value) VALUES(?, ?, ?, ?)");
    set.text(place.name).text(place.owner).bytes(key).bytes(*value).step();
    return;
  }
  Query remove = database.query("DELETE FROM map_entries WHERE map=? AND owner=? AND key=?");
  remove.text(place.name).text(place.owner).bytes(key).step();
}

std::vector<std::pair<std::string, std::string>> map_values(Connection& database, Place place) {
  Query row = database.query("SELECT key, value FROM map_entries WHERE map=? AND owner=? ORDER BY key");
  row.text(place.name).text(place.owner);
  std::vector<std::pair<std::string, std::string>> values;
  while (row.step()) values.emplace_back(row.bytes_at(0), row.bytes_at(1));
  return values;
}

std::int64_t map_count(Connection& database, Place place) {
  Query row = database.query("SELECT count(*) FROM map_entries WHERE map=? AND owner=?");
  return row.text(place.name).text(place.owner).step() ? row.integer_at(0) : 0;
}

void append_item(Connection& database, Place place, const ArchiveItem& item) {
  Query row = database.query(
      "INSERT INTO archive_items(archive, owner, id, at, bytes, xml) VALUES(?, ?, ?, ?, ?, ?)"
      " ON CONFLICT DO NOTHING");
  row.text(place.name).text(place.owner).bytes(item.id).integer(item.when.time_since_epoch().count());
  row.integer(static_cast<std::int64_t>(item.xml.size())).bytes(item.xml).step();
}

std::vector<ArchiveItem> find_items(Connection& database, Place place, const ArchiveQuery& query) {
  Query row = database.query("SELECT id, at, xml FROM archive_items WHERE archive=?1 AND owner=?2 AND id IN (" +
                             found_ids(query) + ") ORDER BY id");
  bind_found(row, place, query);
  std::vector<ArchiveItem> items;
  while (row.step()) {
    items.push_back({row.bytes_at(0), TimePoint{std::chrono::microseconds{row.integer_at(1)}}, row.bytes_at(2)});
  }
  return items;
}

std::int64_t erase_items(Connection& database, Place place, const ArchiveQuery& query) {
  Query erase =
      database.query("DELETE FROM archive_items WHERE archive=?1 AND owner=?2 AND id IN (" + found_ids(query) + ")");
  bind_found(erase, place, query);
  erase.step();
  return database.changes();
}

ArchiveSize archive_size(Connection& database, Place place) {
  Query row = database.query(
      "SELECT count(*), total(bytes) FROM archive_items INDEXED BY archive_by_time WHERE archive=? AND owner=?");
  if (!row.text(place.name).text(place.owner).step()) return {};
  return {.items = row.integer_at(0), .bytes = row.integer_at(1)};
}

void write_batch(Connection& database, const Batch& batch) {
  const std::string_view owner = batch.owner().text();
  for (const auto& set : batch.sets()) set_map_value(database, {set.map, owner}, set.key, set.value);
  for (const auto& append : batch.appends()) append_item(database, {append.archive, owner}, append.item);
}

void erase_all_of(Connection& database, std::string_view owner) {
  // The keys begin with the map's name: walk over the few names there are instead of over all rows.
  Query maps = database.query(
      "WITH RECURSIVE names(name) AS (SELECT min(map) FROM map_entries UNION ALL"
      " SELECT (SELECT min(map) FROM map_entries WHERE map>name) FROM names WHERE name IS NOT NULL)"
      " DELETE FROM map_entries WHERE owner=? AND map IN (SELECT name FROM names WHERE name IS NOT NULL)");
  maps.text(owner).step();
  Query archives = database.query(
      "WITH RECURSIVE names(name) AS (SELECT min(archive) FROM archive_items UNION ALL"
      " SELECT (SELECT min(archive) FROM archive_items WHERE archive>name) FROM names WHERE name IS NOT NULL)"
      " DELETE FROM archive_items WHERE owner=? AND archive IN (SELECT name FROM names WHERE name IS NOT NULL)");
  archives.text(owner).step();
}

}  // namespace jackdaw
