// Maps and archives as rows. Every function stands inside its caller's transaction; errors stick to the Connection,
// and what is returned then means nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace jackdaw {

// Which rows: those of one map or archive of one owner.
struct Place {
  std::string_view name;
  std::string_view owner;
};

std::optional<std::string> map_value(Connection& database, Place place, std::string_view key);
void set_map_value(Connection& database, Place place, std::string_view key, const std::optional<std::string>& value);
std::vector<std::pair<std::string, std::string>> map_values(Connection& database, Place place);
std::int64_t map_count(Connection& database, Place place);

void append_item(Connection& database, Place place, const ArchiveItem& item);
std::vector<ArchiveItem> find_items(Connection& database, Place place, const ArchiveQuery& query);
std::int64_t erase_items(Connection& database, Place place, const ArchiveQuery& query);
ArchiveSize archive_size(Connection& database, Place place);

void write_batch(Connection& database, const Batch& batch);
void erase_all_of(Connection& database, std::string_view owner);

}  // namespace jackdaw
