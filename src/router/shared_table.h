// A small table that every core has and none changes: what an administrator has said of some accounts.
//
// It stands in a map of the store (name to value, owned by the server); a change is stored, then a new table is handed
// to all cores (publish_table()).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/task.h"
#include "store/store.h"

namespace jackdaw {

struct Server;
class Shard;

// One core's view. On that core.
class SharedTable {
 public:
  using Rows = std::map<std::string, std::string, std::less<>>;

  bool empty() const { return !rows_ || rows_->empty(); }
  // Empty: there is no such row. Valid until the next wait.
  std::string_view find(std::string_view name) const {
    if (empty()) return {};
    const auto found = rows_->find(name);
    return found == rows_->end() ? std::string_view{} : std::string_view{found->second};
  }
  const Rows& rows() const {
    static const Rows none;
    return rows_ ? *rows_ : none;
  }
  // Ignored when a later one is here.
  void use(std::shared_ptr<const Rows> rows, std::uint64_t version) {
    if (version < version_) return;
    version_ = version;
    rows_ = std::move(rows);
  }

 private:
  std::shared_ptr<const Rows> rows_;
  std::uint64_t version_ = 0;
};

using SharedRows = std::shared_ptr<const SharedTable::Rows>;
Task<Result<SharedRows>> read_table(Store& store, std::string_view map);
// Any core. Behind it every core knows what was stored before. False: the store cannot be read, and the log says why.
Task<bool> publish_table(Server& server, std::string_view map, SharedTable& (Shard::*table)());

}  // namespace jackdaw
