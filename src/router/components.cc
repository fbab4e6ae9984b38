// SPDX-License-Identifier: Apache-2.0
#include "router/components.h"

#include "base/metrics.h"
#include "router/run_at.h"

namespace jackdaw {
namespace {

const Metric components_connected{"jackdaw_components", "Components that are connected.", MetricKind::gauge};

constexpr auto remembered = 1h;  // then its name may be another server's

Task<bool> note_name(Shard& shard, std::string domain) {
  shard.components().learn(std::move(domain));
  co_return true;
}

}  // namespace

bool Components::has_left(std::string_view domain) const {
  const auto at = left_.find(domain);
  return at != left_.end() && shard_.core().now() - at->second < remembered;
}

void Components::learn(std::string domain) {
  left_.erase(domain);
  names_.insert(std::move(domain));
}

void Components::forget(const std::string& domain) {
  const Steady now = shard_.core().now();
  names_.erase(domain);
  std::erase_if(left_, [now](const auto& each) { return now - each.second >= remembered; });
  if (left_.size() < most_left) left_[domain] = now;
}

Task<bool> Components::attach(std::string domain, std::shared_ptr<Component> component) {
  if (shard_.domain(domain) || !here_.try_emplace(domain, std::move(component)).second) co_return false;
  components_connected.add();
  for (Shard* shard : shard_.server().shards)
    co_await run_at<bool>(*shard, [shard, &domain] { return note_name(*shard, domain); });
  // Its home first: what it may do is said before anything that follows from it.
  shard_.tell_of_component(domain);
  for (Shard* shard : shard_.server().shards)
    if (shard != &shard_) shard->core().post([shard, domain] { shard->tell_of_component(domain); });
  co_return true;
}

void Components::detach(const std::string& domain, const Component& component) {
  const auto at = here_.find(domain);
  if (at == here_.end() || at->second.get() != &component) return;
  here_.erase(at);
  components_connected.add(-1);
  for (Shard* shard : shard_.server().shards) {
    if (shard == &shard_)
      forget(domain);
    else
      shard->core().post([shard, domain] { shard->components().forget(domain); });
  }
}

Component* Components::find(std::string_view domain) {
  const auto at = here_.find(domain);
  return at == here_.end() ? nullptr : at->second.get();
}

void Components::end_all(const StreamError& why) {
  for (const auto& [domain, component] : here_) component->end(why);
}

void Components::check_proofs() {
  for (const auto& [domain, component] : here_) component->check_proof();
}

}  // namespace jackdaw
