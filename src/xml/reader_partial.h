// What a reader keeps of an element whose rest has not arrived: its bytes, and where parsing stopped.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "xml/reader.h"

namespace jackdaw {

struct XmlReader::Partial {
  std::string bytes;      // padded
  std::size_t begin = 0;  // what stands before it has been read
  std::size_t read = 0;   // from `begin`; up to here they are on the tape
  std::vector<TapeEntry> tape;
  std::vector<std::uint32_t> open;
  std::vector<Declaration> scope;

  // While a chunk is read the scratch has the reader's vectors and the reader the scratch's: nothing is copied.
  void lend(ReaderScratch& scratch) {
    exchange(scratch);
    lent_ = true;
  }

  // Back again. The first time it is a copy that fits, as the scratch keeps its capacity.
  void take(ReaderScratch& scratch, bool in_element) {
    if (lent_) {
      exchange(scratch);
      lent_ = false;
    } else if (in_element) {
      tape = scratch.tape;
      open = scratch.open;
      scope = scratch.scope;
    }
    if (in_element) return;
    tape = {};
    open = {};
    scope = {};
  }

  // Bytes behind `from` stay. They move only when that at least halves the string, so each moves a few times at most.
  void drop_front(std::size_t from) {
    begin = from;
    if (begin <= bytes.size() / 2) return;
    bytes.erase(0, begin);
    begin = 0;
    if (bytes.capacity() > 4 * bytes.size() + 4096) bytes.shrink_to_fit();
  }

  // A new element begins in the vectors of an older, perhaps a far larger one.
  void fit() {
    if (tape.capacity() > 4 * tape.size() + 256) tape.shrink_to_fit();
    if (open.capacity() > 4 * open.size() + 256) open.shrink_to_fit();
    if (scope.capacity() > 4 * scope.size() + 64) scope.shrink_to_fit();
  }

  std::size_t memory() const {
    return bytes.capacity() + tape.capacity() * sizeof(TapeEntry) + open.capacity() * sizeof(std::uint32_t) +
           scope.capacity() * sizeof(Declaration);
  }

 private:
  void exchange(ReaderScratch& scratch) {
    tape.swap(scratch.tape);
    open.swap(scratch.open);
    scope.swap(scratch.scope);
  }

  bool lent_ = false;
};

}  // namespace jackdaw
