// RecentTable: a bounded table. When it is full, the entry that was not touched for longest goes.
//
// Entries lie in one block, as they outlive the sessions they came with: entries of their own among these would hold
// the memory around them. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace jackdaw {

template <class Value>
class RecentTable {
 public:
  using Key = std::array<char, 16>;  // a cut SHA-256: an entry's size does not depend on what a peer wrote

  explicit RecentTable(std::size_t limit) : limit_(limit) {}

  const Value* find(const Key& key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &nodes_[found->second].value;
  }
  // The entry, made when there is none, and now the latest. Until the next touch() or erase().
  Value& touch(const Key& key) {
    const auto found = index_.find(key);
    if (found != index_.end()) {
      unlink(found->second);
      return link_as_latest(found->second);
    }
    if (index_.size() >= limit_) erase(Key{nodes_[oldest_].key});
    const Place place = new_place();
    nodes_[place].key = key;
    index_.emplace(key, place);
    return link_as_latest(place);
  }
  void erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    const Place place = found->second;
    unlink(place);
    index_.erase(found);
    nodes_[place].value = {};
    nodes_[place].older = free_;
    free_ = place;
  }
  std::size_t size() const { return index_.size(); }

 private:
  using Place = std::uint32_t;
  static constexpr Place nowhere = 0xFFFFFFFF;
  struct Node {
    Key key{};
    Value value{};
    Place newer = nowhere, older = nowhere;
  };
  struct FirstBytes {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const {
      std::size_t bytes = 0;
      std::memcpy(&bytes, key.data(), sizeof bytes);
      return bytes;
    }
  };

  Place new_place() {
    if (free_ == nowhere) {
      nodes_.emplace_back();
      return static_cast<Place>(nodes_.size() - 1);
    }
    const Place place = free_;
    free_ = nodes_[place].older;
    return place;
  }
  Value& link_as_latest(Place place) {
    Node& node = nodes_[place];
    node.newer = nowhere;
    node.older = latest_;
    if (latest_ != nowhere) nodes_[latest_].newer = place;
    latest_ = place;
    if (oldest_ == nowhere) oldest_ = place;
    return node.value;
  }
  void unlink(Place place) {
    const Node& node = nodes_[place];
    (node.newer == nowhere ? latest_ : nodes_[node.newer].older) = node.older;
    (node.older == nowhere ? oldest_ : nodes_[node.older].newer) = node.newer;
  }

  std::size_t limit_;
  std::vector<Node> nodes_;
  boost::unordered_flat_map<Key, Place, FirstBytes> index_;
  Place latest_ = nowhere, oldest_ = nowhere, free_ = nowhere;
};

}  // namespace jackdaw
