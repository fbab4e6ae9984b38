// SPDX-License-Identifier: Apache-2.0
#include "admin/open_metrics.h"

#include <prometheus/text_serializer.h>

#include "base/metrics.h"

namespace jackdaw {
namespace {

constexpr std::string_view total = "_total";

// `name="value"` as Metric has it.
std::vector<prometheus::ClientMetric::Label> label_of(const Metric& metric) {
  const std::string& text = metric.label();
  const auto quote = text.find("=\"");
  if (quote == text.npos) return {};
  return {{text.substr(0, quote), text.substr(quote + 2, text.size() - quote - 3)}};
}

prometheus::ClientMetric sample_of(const Metric& metric) {
  prometheus::ClientMetric sample;
  sample.label = label_of(metric);
  const auto value = static_cast<double>(metric.sum());
  if (metric.kind() == MetricKind::counter)
    sample.counter.value = value;
  else
    sample.gauge.value = value;
  return sample;
}

// OpenMetrics names a counter's samples NAME_total and its family NAME; the serializer writes Prometheus' older form,
// where both have one name: it gets the sample's, and the head is put right here.
std::string text_of_counter(prometheus::MetricFamily family) {
  const std::string name = family.name;
  family.name += total;
  std::string out;
  const std::string text = prometheus::TextSerializer{}.Serializer::Serialize({family});
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    std::string line = text.substr(at, end - at);
    for (std::string_view head : {"# HELP ", "# TYPE "})
      if (line.starts_with(std::string{head} + family.name)) line.erase(head.size() + name.size(), total.size());
    out += line;
    at = end;
  }
  return out;
}

}  // namespace

std::string open_metrics() {
  std::string out;
  prometheus::MetricFamily family;
  const auto end_family = [&] {
    if (family.metric.empty()) return;
    const bool counts = family.type == prometheus::MetricType::Counter;
    out += counts ? text_of_counter(family) : prometheus::TextSerializer{}.Serializer::Serialize({family});
    family = {};
  };
  for (const Metric* metric : Metric::all()) {
    if (metric->name() != family.name) {
      end_family();
      family.name = metric->name();
      family.help = metric->help();
      family.type =
          metric->kind() == MetricKind::counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    }
    family.metric.push_back(sample_of(*metric));
  }
  end_family();
  return out + "# EOF\n";
}

}  // namespace jackdaw
