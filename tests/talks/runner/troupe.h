// Troupe: many talks held at once, each worker a process of its own, so that a crash or a hang is one talk's failure.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "world.h"

namespace jackdaw::talks {

struct Score {
  int passed = 0, failed = 0;
};

// Holds each talk of `files`, `workers` at a time; prints those that fail, with why.
Score hold_talks(const std::vector<std::string>& files, const Mode& mode, int workers, bool verbose);

}  // namespace jackdaw::talks
