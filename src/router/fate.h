// Fate: what became of a routed stanza. It returns to the session that sent it, in whatever order fates become known;
// the session counts them in the order of sending (XEP-0198 §4: "handled").
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>

namespace jackdaw {

enum class Fate { handed, stored, refused };

// Whom to tell: a session of a shard, and which of its stanzas. Session 0: nobody.
struct FateTicket {
  std::uint32_t shard = 0;
  std::uint32_t number = 0;
  std::uint64_t session = 0;
};

// Known at once, or (empty) to be told by Router::settle().
using MaybeFate = std::optional<Fate>;

}  // namespace jackdaw
