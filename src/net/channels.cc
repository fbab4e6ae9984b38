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

void Channels::limit(std::int64_t in_all, std::int64_t per_address) {
  std::lock_guard lock(mutex_);
  in_all_ = in_all;
  per_address_ = per_address;
}

std::int64_t Channels::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

Admission Channels::admit(const std::string& host) {
  const auto group = address_group(host);
  std::lock_guard lock(mutex_);
  if (count_ >= in_all_) return nullptr;
  const auto from = by_address_.try_emplace(group, 0).first;
  if (per_address_ > 0 && from->second >= per_address_) return nullptr;
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
