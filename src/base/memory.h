// Giving memory back, to the allocator and from it to the system.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

namespace jackdaw {

// Gives what this thread's allocator holds without need back to the system. Any thread, on its own account; takes
// milliseconds, so for quiet moments.
void give_memory_back();

// Whether what is freed goes back to the system at once, or stays at hand for a while. At once costs a busy server up
// to a third of its processor time (docs/benchmarks.md), and a quiet one nothing. Any thread, for all.
void be_thrifty(bool thrifty);

// A table that has shrunk far below its room gives the room back; it grows at once to what it held before.
template <class Table>
void give_room_back(Table& table) {
  constexpr std::size_t small = 1024;
  if (table.bucket_count() > small && table.size() < table.bucket_count() / 8) table.rehash(0);
}

}  // namespace jackdaw
