// ServerSpool: the messages of one pair of domains that wait in the store, and the list of pairs that have some.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "net/timer.h"
#include "router/shard.h"
#include "stream/dialback.h"

namespace jackdaw {

// What a start finds in the store is tried, or kept, for so long, whatever its age: its senders have to come back
// first.
constexpr Seconds tried_after_start{30};

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

// Returns what is stored for one pair of domains to its senders, where no other server is spoken with any more. On the
// home core of the pair; made before it runs.
class SpoolReturn final : private Timer {
 public:
  SpoolReturn(Shard& home, DomainPair pair, Spooled stored);

 private:
  void fires() override;

  Shard& home_;
  ServerSpool spool_;
  Spooled stored_;
};

}  // namespace jackdaw
