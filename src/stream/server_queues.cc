// SPDX-License-Identifier: Apache-2.0
#include "stream/server_queues.h"

#include "stream/find_server.h"
#include "stream/own_address.h"
#include "stream/s2s_settings.h"

namespace jackdaw {
namespace {

constexpr auto sweep_time = 30s;

}  // namespace

ServerQueues::ServerQueues(StreamShard& home) : home_(home) {
  set(home.shard.core().timers(), sweep_time);
  warn_of_policy();
  home.shard.on_change([this] {
    warn_of_policy();
    for (const auto& [pair, queue] : queues_) queue->check_policy();
    for (ServerStream* stream : home_.server_streams) stream->check_policy();
  });
}
ServerQueues::~ServerQueues() = default;

// One core says it for all, at the start and when it has changed.
void ServerQueues::warn_of_policy() {
  const std::string policy = home_.shard.value(s2s_unlisted);
  if (std::exchange(warned_of_, policy) == policy || home_.shard.core().number() != 0) return;
  static const Log log{"XMPPO"};
  if (policy == "wherever_possible")
    log.major(
        "other servers are spoken with in clear where they offer no TLS, and whatever their certificate: who is on "
        "the way can read and change everything",
        {{"s2s.unlisted", policy}});
  if (policy == "plain")
    log.major("other servers are spoken with in clear: who is on the way can read and change everything",
              {{"s2s.unlisted", policy}});
}

// Null: there are too many.
std::shared_ptr<ServerQueue> ServerQueues::find_queue(PairView pair) {
  const auto found = queues_.find(pair);
  if (found != queues_.end()) return found->second;
  if (queues_.size() >= static_cast<std::size_t>(home_.shard.value(s2s_queues)) && !make_room()) return nullptr;
  return add_queue(pair);
}

std::shared_ptr<ServerQueue> ServerQueues::add_queue(PairView pair) {
  DomainPair own{std::string(pair.source), std::string(pair.target)};
  auto made = std::make_shared<ServerQueue>(home_, own);
  return queues_.emplace(std::move(own), std::move(made)).first->second;
}

// Lets a queue go that has nothing to send; its stream is closed.
bool ServerQueues::make_room() {
  const auto idle = std::ranges::find_if(queues_, [](const auto& each) { return each.second->has_nothing_to_send(); });
  if (idle == queues_.end()) return false;
  idle->second->retire();
  queues_.erase(idle);
  return true;
}

MaybeFate ServerQueues::send(const StanzaRef& stanza, FateTicket ticket) {
  const auto source = stanza->from().domainpart();
  if (stopped_)
    return home_.shard.router().refuse(*stanza,
                                       StanzaError{Condition::remote_server_timeout, "The server is going down."});
  // Only what is ours leaves under a name. Errors in the name of a component that has left are the server's.
  const Components& components = home_.shard.components();
  if (!home_.shard.domain(source) && !components.has(source) &&
      !(stanza->type() == Type::error && components.has_left(source)))
    return home_.shard.router().refuse(*stanza,
                                       StanzaError{Condition::not_allowed, "The sender's domain is not served here."});
  const auto queue = find_queue({source, stanza->to().domainpart()});
  if (!queue)
    return home_.shard.router().refuse(
        *stanza, StanzaError{Condition::resource_constraint, "Too many servers are spoken with."});
  return queue->take(stanza, ticket);
}

std::vector<QueueDescription> ServerQueues::describe() const {
  std::vector<QueueDescription> all;
  all.reserve(queues_.size());
  for (const auto& [pair, queue] : queues_) all.push_back(queue->describe());
  return all;
}

Task<ServerDescription> ServerQueues::find(std::string domain) {
  const auto settings = home_.shard.settings_ref();
  ServerDescription found{.policy = std::string(name_of(tls_policy(*settings, domain)))};
  const ServerPlaces all = co_await find_server(*home_.resolver, *settings, domain);
  found.why = all.why;
  for (const auto& place : all.places) {
    const auto looked_up = co_await addresses_of(*home_.resolver, place);
    const auto& addresses = looked_up.addresses;
    std::string text = place.host + ':' + std::to_string(place.port) + (place.tls_at_once ? " (TLS at once)" : "");
    if (!all.routed_host.empty()) text += ", a static route";
    for (const auto& address : addresses) {
      text += (&address == &addresses.front() ? ": " : ", ") + address.host();
      if (is_own_address(home_.shard.server(), address)) text += " (this server itself, which is not tried)";
    }
    if (addresses.empty()) text += looked_up.failed ? ": the DNS does not answer" : ": no such name";
    found.places.push_back(std::move(text));
  }
  co_return found;
}

std::int64_t ServerQueues::flush(std::string_view target) {
  std::int64_t count = 0;
  for (const auto& [pair, queue] : queues_)
    if (pair.target == target && queue->flush()) ++count;
  return count;
}

std::int64_t ServerQueues::reject(std::string_view target) {
  std::int64_t count = 0;
  for (const auto& [pair, queue] : queues_)
    if (pair.target == target)
      count += queue->reject({Condition::remote_server_timeout, "The administrator has emptied the queue."});
  return count;
}

void ServerQueues::stop() {
  stopped_ = true;
  for (const auto& [pair, queue] : queues_) queue->stop();
}

std::int64_t ServerQueues::keeping() const {
  std::int64_t count = 0;
  for (const auto& [pair, queue] : queues_) count += queue->keeping();
  return count;
}

void ServerQueues::fires() {
  std::erase_if(queues_, [](const auto& each) { return each.second->is_idle(); });
  home_.targets.sweep(home_.shard.core().now());
  set(home_.shard.core().timers(), sweep_time);
}

void ServerQueues::take_stored(const DomainPair& pair, const Spooled& stored) {
  add_queue({pair.source, pair.target})->take_stored(stored);
}

}  // namespace jackdaw
