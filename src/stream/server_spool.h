// ServerSpool: the messages of one pair of domains that wait in the store, and the list of pairs that have some.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "store/store.h"
#include "stream/dialback.h"

namespace jackdaw {

// Id and XML of each, oldest first.
using Spooled = std::vector<std::pair<std::string, std::string>>;

class ServerSpool {
 public:
  ServerSpool(Store& store, const DomainPair& pair);

  // Ids sort in the order of making.
  std::string make_id(TimePoint now) { return ids_.make(now); }
  Task<Result<Done>> keep(std::string id, std::string xml);
  // Exactly these. What cannot be erased is sent again after the next start, with the same bytes.
  Task<void> forget(std::vector<std::string> ids);

  // What earlier runs have left, of every pair that has some. Before anything is kept or sent.
  static Task<std::vector<std::pair<DomainPair, Spooled>>> load_all(Store& store);

 private:
  const std::string map_, key_;
  const BareJid owner_;
  Store& store_;
  bool listed_ = false;
  IdMaker ids_;
};

}  // namespace jackdaw
