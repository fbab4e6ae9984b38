// How many stanzas of a peer other cores have not taken yet, and who waits for fewer. For roles whose stanzas are
// handed over: cores take what is posted to them whatever becomes of it later, so such waits are short.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <utility>

#include "base/task.h"

namespace jackdaw {

class OpenStanzas {
 public:
  static constexpr std::size_t max = 2000;  // more are not read

  void add() { ++open_; }
  void take() {
    --open_;
    if (open_ <= awaited_) wake();
  }
  bool are_many() const { return open_ > max; }
  void wake() {
    if (reader_) std::exchange(reader_, nullptr)->set(true);
  }
  // Until `open` at most are open, or wake().
  Task<void> caught_up(std::size_t open) {
    if (open_ <= open) co_return;
    Later<bool> taken;
    awaited_ = open;
    reader_ = &taken;
    co_await taken;
  }

 private:
  std::size_t open_ = 0, awaited_ = 0;
  Later<bool>* reader_ = nullptr;
};

}  // namespace jackdaw
