// The metrics table as OpenMetrics text, which Prometheus reads.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace jackdaw {

// All metrics with their values, and "# EOF" behind them. Any thread.
std::string open_metrics();

}  // namespace jackdaw
