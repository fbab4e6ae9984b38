// The text is OpenMetrics: counters end in _total, families do not, and the end is said.
// SPDX-License-Identifier: Apache-2.0
#include "admin/open_metrics.h"

#include <gtest/gtest.h>

#include "base/metrics.h"

namespace jackdaw {
namespace {

const Metric plain{"jackdaw_test_apples", "Apples counted."};
const Metric refused{"jackdaw_test_pears", "Pears refused.", MetricKind::counter, "condition=\"rotten\""};
const Metric eaten{"jackdaw_test_pears", "Pears refused.", MetricKind::counter, "condition=\"eaten\""};
const Metric level{"jackdaw_test_level", "How high it is.", MetricKind::gauge};

TEST(OpenMetrics, CountersGaugesAndLabels) {
  plain.add(3);
  refused.add(2);
  level.add(-7);
  const std::string text = open_metrics();
  for (const char* line : {"# HELP jackdaw_test_apples Apples counted.\n", "# TYPE jackdaw_test_apples counter\n",
                           "\njackdaw_test_apples_total 3\n", "jackdaw_test_pears_total{condition=\"rotten\"} 2\n",
                           "jackdaw_test_pears_total{condition=\"eaten\"} 0\n", "# TYPE jackdaw_test_level gauge\n",
                           "\njackdaw_test_level -7\n"})
    EXPECT_NE(text.find(line), text.npos) << line << "in\n" << text;
}

TEST(OpenMetrics, AFamilyHasOneHeadAndTheEndIsSaid) {
  const std::string text = open_metrics();
  const auto head = text.find("# TYPE jackdaw_test_pears ");
  EXPECT_NE(head, text.npos);
  EXPECT_EQ(text.find("# TYPE jackdaw_test_pears ", head + 1), text.npos);
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
  EXPECT_EQ(text.find("# EOF"), text.size() - 6);
}

}  // namespace
}  // namespace jackdaw
