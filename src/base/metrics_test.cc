// Metrics are summed over threads and listed while they live.
// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace jackdaw {
namespace {

bool is_listed(const Metric& metric) {
  const auto all = Metric::all();
  return std::find(all.begin(), all.end(), &metric) != all.end();
}

TEST(Metrics, SumOverMoreThreadsThanCells) {
  const Metric counter{"test_counter", "Counts."};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < metric_cells + 5; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) counter.add();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.sum(), static_cast<std::int64_t>(metric_cells + 5) * 1000);
}

TEST(Metrics, AGaugeGoesUpHereAndDownThere) {
  const Metric gauge{"test_gauge", "Goes up and down.", MetricKind::gauge};
  gauge.add(5);
  std::thread([&] { gauge.add(-3); }).join();
  EXPECT_EQ(gauge.sum(), 2);
  EXPECT_EQ(gauge.kind(), MetricKind::gauge);
}

TEST(Metrics, AreListedByNameThenLabelWhileTheyLive) {
  const Metric second{"test_refused", "Refusals.", MetricKind::counter, "condition=\"b\""};
  const Metric first{"test_refused", "Refusals.", MetricKind::counter, "condition=\"a\""};
  {
    const Metric brief{"test_brief", "Soon gone."};
    EXPECT_TRUE(is_listed(brief));
  }
  const auto all = Metric::all();
  EXPECT_LT(std::find(all.begin(), all.end(), &first), std::find(all.begin(), all.end(), &second));
  EXPECT_TRUE(is_listed(second));
  EXPECT_TRUE(std::none_of(all.begin(), all.end(), [](auto* m) { return m->name() == "test_brief"; }));
}

}  // namespace
}  // namespace jackdaw
