// Components: what answers for whole domains that are not ours, from outside (XEP-0114). Each core knows their names;
// the entity that speaks for one lives on the home core of its name, where it is attached, detached and delivered to.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "router/entity.h"

namespace jackdaw {

class Shard;

class Component : public Entity {
 public:
  // Ends its stream with an error, on this core, soon.
  virtual void end(StreamError why) = 0;
  // The settings have changed: ends when its secret is no longer what it proved itself with.
  virtual void check_proof() = 0;
};

class Components {
 public:
  explicit Components(Shard& shard) : shard_(shard) {}

  // This core's view; all cores' are the same but for moments.
  bool has(std::string_view domain) const { return names_.contains(domain); }
  // One was connected a while ago and is not now: what is sent there returns at once, and what the server itself says
  // in its name still leaves.
  bool has_left(std::string_view domain) const;
  // In order.
  std::vector<std::string> names() const { return {names_.begin(), names_.end()}; }

  // Home core of `domain` only. When attach() returns true every core sends there. False: the name is taken, by another
  // component or by a domain of this server.
  Task<bool> attach(std::string domain, std::shared_ptr<Component> component);
  // Harmless for one that is not attached. Cores that have not heard of it yet still send: find() finds nothing.
  void detach(const std::string& domain, const Component& component);
  Component* find(std::string_view domain);
  // All of this core.
  void end_all(const StreamError& why);
  void check_proofs();

  // What the home core tells the others.
  void learn(std::string domain);
  void forget(const std::string& domain);

 private:
  Shard& shard_;
  static constexpr std::size_t most_left = 1000;  // further ones count as never there

  std::set<std::string, std::less<>> names_;
  std::map<std::string, Steady, std::less<>> left_;  // since when
  std::map<std::string, std::shared_ptr<Component>, std::less<>> here_;
};

}  // namespace jackdaw
