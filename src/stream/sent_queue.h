// SentQueue: stanzas sent to a client and not acknowledged yet, oldest first. Owns no memory while it is empty.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "base/time.h"
#include "router/entity.h"

namespace jackdaw {

struct Sent {
  StanzaRef stanza;
  Undelivered then = Undelivered::route;  // when the session ends
  Steady at{};                            // when it was sent
};

class SentQueue {
 public:
  void push(Sent sent) {
    bytes_ += sent.stanza->wire_size();
    all_.push_back(std::move(sent));
  }
  void drop(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      bytes_ -= all_[head_ + i].stanza->wire_size();
      all_[head_ + i].stanza.reset();
    }
    head_ += count;
    if (head_ == all_.size()) {
      if (all_.capacity() > 32) all_ = {};
      all_.clear();
      head_ = 0;
    } else if (head_ > 512) {
      all_.erase(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }
  std::size_t size() const { return all_.size() - head_; }
  std::size_t bytes() const { return bytes_; }
  bool empty() const { return size() == 0; }
  auto begin() const { return all_.begin() + static_cast<std::ptrdiff_t>(head_); }
  auto end() const { return all_.end(); }

 private:
  std::vector<Sent> all_;
  std::size_t head_ = 0;
  std::size_t bytes_ = 0;  // as written, a shared payload in full
};

}  // namespace jackdaw
