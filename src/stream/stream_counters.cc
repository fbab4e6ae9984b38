// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_counters.h"

#include <deque>

#include "base/metrics.h"

namespace jackdaw {
namespace {

const Metric stanzas_malformed{"jackdaw_stanzas_malformed", "Stanzas that were refused before they were routed."};
const Metric handshake_failures{"jackdaw_tls_handshake_failures", "TLS handshakes that failed."};
const Metric logins{"jackdaw_logins", "Log-ins that succeeded."};

// One metric for each value of an enum, labelled with its wire name.
template <class Condition, class NameOf>
std::deque<Metric> by_condition(std::string_view name, std::string_view help, Condition last,
                                NameOf name_of_condition) {
  std::deque<Metric> made;
  for (int i = 0; i <= static_cast<int>(last); ++i)
    made.emplace_back(name, help, MetricKind::counter,
                      "condition=\"" + std::string(name_of_condition(static_cast<Condition>(i))) + "\"");
  return made;
}

const auto stream_errors =
    by_condition("jackdaw_stream_errors", "Streams ended with an error, by condition.",
                 StreamCondition::unsupported_version, [](StreamCondition c) { return name_of(c); });
const auto login_failures =
    by_condition("jackdaw_login_failures", "Log-ins refused, by condition.", SaslCondition::temporary_auth_failure,
                 [](SaslCondition c) { return wire_name(c); });

}  // namespace

void count_stream_error(StreamCondition condition) { stream_errors[static_cast<std::size_t>(condition)].add(); }
void count_malformed_stanza() { stanzas_malformed.add(); }
void count_handshake_failure() { handshake_failures.add(); }
void count_login() { logins.add(); }
void count_login_failure(SaslCondition condition) { login_failures[static_cast<std::size_t>(condition)].add(); }

}  // namespace jackdaw
