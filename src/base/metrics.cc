// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <algorithm>
#include <mutex>

namespace jackdaw {
namespace {

std::mutex& table_mutex() {
  static std::mutex mutex;
  return mutex;
}
std::vector<const Metric*>& table() {
  static std::vector<const Metric*> rows;
  return rows;
}

std::atomic<std::size_t> next_slot{0};

}  // namespace

Metric::Metric(std::string_view name, std::string_view help, MetricKind kind, std::string label)
    : name_(name), help_(help), kind_(kind), label_(std::move(label)), cells_(new MetricCells) {
  std::lock_guard lock(table_mutex());
  table().push_back(this);
}

Metric::~Metric() {
  std::lock_guard lock(table_mutex());
  std::erase(table(), this);
  delete cells_;
}

std::size_t Metric::slot() {
  static thread_local const std::size_t mine = next_slot.fetch_add(1) % metric_cells;
  return mine;
}

std::int64_t Metric::sum() const {
  std::int64_t total = 0;
  for (const auto& cell : cells_->cells) total += cell.value.load(std::memory_order_relaxed);
  return total;
}

std::vector<const Metric*> Metric::all() {
  std::lock_guard lock(table_mutex());
  auto rows = table();
  std::sort(rows.begin(), rows.end(), [](auto* a, auto* b) {
    return std::pair(a->name(), std::string_view(a->label())) < std::pair(b->name(), std::string_view(b->label()));
  });
  return rows;
}

}  // namespace jackdaw
