// Elsewhere: where an address lives that is not on this machine. The cluster and the s2s queues will answer; until an
// address is known to one of them the answer is "nowhere".
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "stanza/jid.h"

namespace jackdaw {

struct Whereabouts {
  enum class Kind { nowhere, node, wait } kind = Kind::nowhere;
  std::string node = {};
};

class Elsewhere {
 public:
  virtual ~Elsewhere() = default;
  // On any core; must not block. `wait`: the stanza waits in its pair's order until the answer is known.
  virtual Whereabouts find(JidView address) = 0;
};

// Knows no other machine.
class NowhereElse final : public Elsewhere {
 public:
  Whereabouts find(JidView) override { return {}; }
};

}  // namespace jackdaw
