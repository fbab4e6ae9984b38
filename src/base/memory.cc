// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <mimalloc.h>

// Only the release program is linked with mimalloc: a sanitizer brings an allocator of its own.
#pragma weak mi_collect
#pragma weak mi_option_set

namespace jackdaw {
namespace {

constexpr long usual_delay_ms = 25;  // mimalloc's own

}  // namespace

void give_memory_back() {
  if (&mi_collect) mi_collect(true);
}

void be_thrifty(bool thrifty) {
  if (&mi_option_set) mi_option_set(mi_option_decommit_delay, thrifty ? 0 : usual_delay_ms);
}

}  // namespace jackdaw
