// Counters and gauges: declared as rows beside the code they count, one cell a core, summed when read.
//
//   const Metric stanzas_routed{"jackdaw_stanzas_routed", "Stanzas the router took."};
//   stanzas_routed.add();             // on any thread
//
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jackdaw {

enum class MetricKind { counter, gauge };

constexpr std::size_t metric_cells = 16;  // more threads than this share cells

// One cell for each thread's slot, on its own cache line; only that slot writes it in the common case.
struct MetricCells {
  struct alignas(64) Cell {
    std::atomic<std::int64_t> value{0};
  };
  Cell cells[metric_cells];
};

// A metric, defined at namespace scope; it enters the table by being constructed. `label` is a ready-made
// OpenMetrics label pair such as condition="not-authorized", or empty.
class Metric {
 public:
  Metric(std::string_view name, std::string_view help, MetricKind kind = MetricKind::counter, std::string label = {});
  Metric(const Metric&) = delete;
  ~Metric();

  void add(std::int64_t n = 1) const { cells_->cells[slot()].value.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t sum() const;

  std::string_view name() const { return name_; }
  std::string_view help() const { return help_; }
  MetricKind kind() const { return kind_; }
  const std::string& label() const { return label_; }

  // All metrics, in order of name.
  static std::vector<const Metric*> all();
  // The thread's cell number.
  static std::size_t slot();

 private:
  std::string_view name_, help_;
  MetricKind kind_;
  std::string label_;
  MetricCells* cells_;
};

}  // namespace jackdaw
