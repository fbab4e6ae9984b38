// SPDX-License-Identifier: Apache-2.0
#include "stream/server_targets.h"

#include <algorithm>

namespace jackdaw {
namespace {

constexpr int most_failures = 5;  // that count
constexpr Seconds longest_pause{10};
constexpr Seconds longest_try{3 * 60};  // finding and trying all its places
constexpr Seconds look_again{1};        // while another queue tries it
constexpr Seconds kept{5 * 60};         // behind its pause

}  // namespace

Seconds pause_after(int failures) {
  return std::min<Seconds>(longest_pause, Seconds(1 << std::clamp(failures, 0, most_failures)));
}

ServerTargets::Turn ServerTargets::ask(std::string_view target, Steady now) {
  const auto found = waiting_.find(target);
  if (found == waiting_.end()) return {};
  Waiting& waiting = found->second;
  if (now < waiting.again) return {false, waiting.again, waiting.error};
  if (now < waiting.tried_until) return {false, now + look_again, waiting.error};
  waiting.tried_until = now + longest_try;
  return {};
}

Steady ServerTargets::failed(const std::string& target, const StanzaError& error, Steady now) {
  if (waiting_.size() >= most && !waiting_.contains(target)) return now + longest_pause;
  Waiting& waiting = waiting_[target];
  waiting.tried_until = {};
  waiting.error = error;
  // Several that began before it was known do not count twice.
  if (now >= waiting.again) {
    waiting.failures = std::min(waiting.failures + 1, most_failures);
    waiting.again = now + pause_after(waiting.failures);
  }
  return waiting.again;
}

void ServerTargets::forget(std::string_view target) {
  if (const auto found = waiting_.find(target); found != waiting_.end()) waiting_.erase(found);
}

void ServerTargets::sweep(Steady now) {
  std::erase_if(waiting_,
                [now](const auto& each) { return now >= each.second.again + kept && now >= each.second.tried_until; });
}

}  // namespace jackdaw
