// SPDX-License-Identifier: Apache-2.0
#include "net/channels.h"

#include "base/metrics.h"
#include "net/address.h"

namespace jackdaw {
namespace {

const Metric connections_open{"jackdaw_connections_open", "Connections now open.", MetricKind::gauge};

}  // namespace

void Admission::reset() {
  if (const auto channels = std::exchange(channels_, nullptr)) channels->leave(*from_);
}

void Channels::limit(ChannelLimits limits) {
  std::lock_guard lock(mutex_);
  limits_ = std::move(limits);
}

std::int64_t Channels::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

bool Channels::pause_is_news(Steady now) {
  std::lock_guard lock(mutex_);
  if (pause_told_ && now - *pause_told_ <= 60s) return false;
  pause_told_ = now;
  return true;
}

Admission Channels::admit(const std::string& host) {
  const auto group = address_group(host);
  std::lock_guard lock(mutex_);
  if (count_ >= limits_.in_all) return nullptr;
  if (count_ >= limits_.in_all - limits_.reserved && !limits_.clients.contains(host)) return nullptr;
  const auto from = by_address_.try_emplace(group, 0).first;
  if (limits_.per_address > 0 && from->second >= limits_.per_address) return nullptr;
  ++from->second;
  ++count_;
  connections_open.add();
  return {shared_from_this(), *from};
}

void Channels::leave(AddressCount& from) {
  connections_open.add(-1);
  std::lock_guard lock(mutex_);
  --count_;
  if (--from.second == 0) by_address_.erase(by_address_.find(from.first));
}

}  // namespace jackdaw
