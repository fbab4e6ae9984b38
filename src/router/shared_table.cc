// SPDX-License-Identifier: Apache-2.0
#include "router/shared_table.h"

#include "router/shard.h"

namespace jackdaw {

Task<Result<SharedRows>> read_table(Store& store, std::string_view map) {
  auto all = co_await store.map(map).all({});
  if (!all) co_return all.failure();
  auto rows = std::make_shared<SharedTable::Rows>();
  for (auto& [name, value] : *all) rows->emplace(std::move(name), std::move(value));
  co_return SharedRows{std::move(rows)};
}

// What is read behind a number has all changes of lower numbers in it: a core takes no table of a lower one.
Task<bool> publish_table(Server& server, std::string_view map, SharedTable& (Shard::*table)()) {
  const std::uint64_t version = ++server.table_version;
  const auto rows = co_await read_table(*server.store, map);
  if (!rows) {
    static const Log log{"STORE"};
    log.failure("a table of the server cannot be read", {{"table", map}, {"why", rows.failure().what}});
    co_return false;
  }
  for (Shard* shard : server.shards)
    co_await offload(shard->core(), [shard, &rows, version, table] {
      (shard->*table)().use(*rows, version);
      return true;
    });
  co_return true;
}

}  // namespace jackdaw
