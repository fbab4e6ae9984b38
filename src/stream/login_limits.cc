// Counting failed log-ins. Start at LoginLimits::wait().
// SPDX-License-Identifier: Apache-2.0
#include "stream/login_limits.h"

#include <arpa/inet.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace jackdaw {
namespace {

std::array<char, 16> cut_digest(std::string_view text) {
  std::array<char, 16> key;
  std::memcpy(key.data(), sha256(text).data(), key.size());
  return key;
}

struct Keys {
  std::array<char, 16> pair, account, address;
};

Keys keys_of(std::string_view account, std::string_view address) {
  const std::string where = address_key(address);
  std::string both = where;
  both.append(1, '\0').append(account);
  return {.pair = cut_digest(both), .account = cut_digest(account), .address = cut_digest(where)};
}

std::string text_of(const void* four_bytes) {
  char text[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, four_bytes, text, sizeof text);
}

}  // namespace

std::string address_key(std::string_view address) {
  const std::string text{address.substr(0, address.find('%'))};  // a zone ("fe80::1%eth0") is the machine's own matter
  unsigned char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return text_of(bytes);
  if (inet_pton(AF_INET6, text.c_str(), bytes) != 1) return std::string{address};
  static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // RFC 4291 §2.5.5.2
  if (std::memcmp(bytes, mapped, sizeof mapped) == 0) return text_of(bytes + sizeof mapped);
  return to_hex({reinterpret_cast<const char*>(bytes), 8}) + "/64";
}

LoginLimits::LoginLimits(LoginRules rules)
    : rules_(rules),
      pairs_(rules.pairs),
      accounts_(rules.accounts),
      addresses_(rules.addresses),
      trusted_(rules.trusted_accounts) {
  check(rules.free_for_pair > 0 && rules.free_for_account > 0 && rules.free_for_address > 0, "nobody could log in");
  check(rules.pairs > 0 && rules.accounts > 0 && rules.addresses > 0, "a table of failures without room");
  check(rules.trusted_accounts > 0 && rules.trusted_addresses_each > 0, "a table of trust without room");
  check(rules.first_wait > 0s && rules.first_wait <= rules.longest_wait && rules.longest_wait < rules.forget_after,
        "failures would be forgotten before the wait is over");
}

bool LoginLimits::trusted(const Key& account, const Key& address, Steady now) const {
  const Trusted* there = trusted_.find(account);
  const auto holds = [&](const Trust& trust) {
    return trust.address == address && now - trust.since < rules_.trust_for;
  };
  return there != nullptr && (holds(there->latest) || std::ranges::any_of(there->earlier, holds));
}

Seconds LoginLimits::left(const Failures* failures, int free, Steady now) const {
  if (failures == nullptr || failures->count < free || now - failures->last >= rules_.forget_after) return 0s;
  Seconds wait = rules_.first_wait;
  for (int i = free; i < failures->count && wait < rules_.longest_wait; ++i) wait *= 2;
  const auto until = failures->last + std::min(wait, rules_.longest_wait);
  return std::max(0s, std::chrono::ceil<Seconds>(until - now));
}

Seconds LoginLimits::wait(std::string_view account, std::string_view address, Steady now) const {
  const Keys keys = keys_of(account, address);
  if (account.empty()) return left(addresses_.find(keys.address), rules_.free_for_address, now);
  const Seconds own = left(pairs_.find(keys.pair), rules_.free_for_pair, now);
  if (trusted(keys.account, keys.address, now)) return own;
  return std::max({own, left(accounts_.find(keys.account), rules_.free_for_account, now),
                   left_in_flow(accounts_.find(keys.account), now),
                   left(addresses_.find(keys.address), rules_.free_for_address, now)});
}

Seconds LoginLimits::left_in_flow(const Failures* failures, Steady now) const {
  if (failures == nullptr || rules_.account_flow <= 0 || failures->in_period < rules_.account_flow) return 0s;
  return std::max(0s, std::chrono::ceil<Seconds>(failures->period + rules_.account_flow_time - now));
}

void LoginLimits::count(RecentTable<Failures>& table, const Key& key, Steady now) const {
  Failures& failures = table.touch(key);
  if (now - failures.last >= rules_.forget_after) failures.count = 0;
  if (failures.count < std::numeric_limits<int>::max()) ++failures.count;
  failures.last = now;
}

void LoginLimits::failed(std::string_view account, std::string_view address, Steady now) {
  const Keys keys = keys_of(account, address);
  count(addresses_, keys.address, now);
  if (account.empty()) return;
  count(pairs_, keys.pair, now);
  // An old password in a device at home must not lock the same user out elsewhere.
  if (trusted(keys.account, keys.address, now)) return;
  count(accounts_, keys.account, now);
  Failures& failures = accounts_.touch(keys.account);
  if (now - failures.period >= rules_.account_flow_time) failures.period = now, failures.in_period = 0;
  ++failures.in_period;
}

void LoginLimits::succeeded(std::string_view account, std::string_view address, Steady now) {
  const Keys keys = keys_of(account, address);
  pairs_.erase(keys.pair);
  const bool is_new = trusted_.find(keys.account) == nullptr;
  Trusted& there = trusted_.touch(keys.account);
  const Trust before = std::exchange(there.latest, {.address = keys.address, .since = now});
  if (is_new || (before.address == keys.address && there.earlier.empty())) return;
  there.earlier.push_back(before);
  std::erase_if(there.earlier, [&](const Trust& trust) {
    return trust.address == keys.address || now - trust.since >= rules_.trust_for;
  });
  // The latest is one of them.
  if (there.earlier.size() >= rules_.trusted_addresses_each) there.earlier.erase(there.earlier.begin());
}

std::size_t LoginLimits::size() const { return pairs_.size() + accounts_.size() + addresses_.size() + trusted_.size(); }

}  // namespace jackdaw
