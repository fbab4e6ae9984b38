// SPDX-License-Identifier: Apache-2.0
#include "router/shard.h"

#include "router/module.h"

namespace jackdaw {

std::size_t Server::home_of(std::string_view bare) const {
  return shards.size() == 1 ? 0 : std::hash<std::string_view>{}(bare) % shards.size();
}

Shard& Server::home_of_pair(std::string_view source, std::string_view target) const {
  if (shards.size() == 1) return *shards.front();
  const std::hash<std::string_view> hash;
  return *shards[(hash(source) * 31 + hash(target)) % shards.size()];
}

Shard::Shard(Server& server, Core& core, std::shared_ptr<const Settings> settings)
    : server_(server), core_(core), settings_(std::move(settings)), router_(std::make_unique<Router>(*this)) {}

Shard::~Shard() = default;

Domain* Shard::domain(std::string_view name) {
  const auto found = domains_.find(name);
  return found == domains_.end() ? nullptr : found->second.get();
}

std::vector<std::string> Shard::domain_names() const {
  std::vector<std::string> names;
  names.reserve(domains_.size());
  for (const auto& [name, domain] : domains_) names.push_back(name);
  return names;
}

void Shard::add_domain(const std::string& name) {
  auto domain = std::make_unique<Domain>(name, *this);
  for (const Module* module : server_.modules) {
    domain->module_in_setup = module->name;
    if (module->setup) module->setup(*domain);
  }
  domains_.emplace(name, std::move(domain));
}

void Shard::tell_of_component(const std::string& name) {
  for (const auto& [served, domain] : domains_)
    for (const auto& told : domain->component_watchers()) told(name);
}

void Shard::set_domains(const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (!domains_.contains(name)) {
      add_domain(name);
      if (Component* component = components_.find(name))
        component->end({StreamCondition::conflict, "This server serves the domain itself now."});
    }
  for (auto at = domains_.begin(); at != domains_.end();) {
    if (std::find(names.begin(), names.end(), at->first) != names.end()) {
      ++at;
      continue;
    }
    end_sessions_of(at->first);
    retired_.push_back(std::move(at->second));
    at = domains_.erase(at);
  }
  for (const auto& told : watchers_) told();
}

// RFC 6120 §4.9.3.5.
void Shard::end_sessions_of(std::string_view domain) {
  std::vector<SessionRef> sessions;
  router_->each_account([&](Account& account) {
    if (account.jid().domainpart() != domain) return;
    for (const auto& resource : account.resources()) sessions.push_back(resource.session);
  });
  // Detached first, so that contacts are told while the domain is still known.
  for (const auto& session : sessions) {
    router_->detach(session, {});
    session->end({StreamCondition::host_gone, "The domain is no longer served here."});
  }
}

void Shard::apply(std::shared_ptr<const Settings> settings) {
  settings_ = std::move(settings);
  components_.check_proofs();
  for (const auto& told : watchers_) told();
}

}  // namespace jackdaw
