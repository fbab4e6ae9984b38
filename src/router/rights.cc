// SPDX-License-Identifier: Apache-2.0
#include "router/rights.h"

#include <algorithm>
#include <optional>

#include "settings/printable.h"
#include "settings/setting.h"

namespace jackdaw {
namespace {

constexpr std::string_view names[] = {"nothing", "monitors", "users", "settings", "all"};

std::optional<Right> right_named(std::string_view name) {
  for (Right right : {Right::monitors, Right::users, Right::settings, Right::all})
    if (name == name_of(right)) return right;
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Right right) { return names[static_cast<std::size_t>(right)]; }

Rights Rights::whole() {
  Rights all;
  all.grants_.push_back({Right::all, {}});
  return all;
}

Result<Rights> Rights::parse(std::string_view text) {
  Rights rights;
  const auto items = split_list(text);
  if (items.size() == 1 && lower_case(items.front()) == "none") return rights;
  for (const auto& item : items) {
    const auto at = item.find('@');
    const auto right = right_named(lower_case(item.substr(0, at)));
    const auto domain = at == item.npos ? std::optional{std::string{}} : prepare_domainpart(item.substr(at + 1));
    if (!right)
      return Failure{(item.empty() ? "an empty item" : printable(item)) +
                     ": no right; say all, settings, users or monitors, each alone or with @DOMAIN, separated by "
                     "commas, or none"};
    if (!domain || (at != item.npos && domain->empty()))
      return Failure{printable(item) + ": what stands behind the @ is no domain's name"};
    rights.add({*right, *domain});
  }
  return rights;
}

std::string Rights::text() const {
  std::string out;
  for (const auto& grant : grants_) {
    if (!out.empty()) out += ',';
    out += name_of(grant.right);
    if (!grant.domain.empty()) out += '@' + grant.domain;
  }
  return out;
}

bool Rights::includes(const Grant& one, Right right, std::string_view domain) {
  return (one.right == Right::all || one.right == right) && (one.domain.empty() || one.domain == domain);
}

void Rights::add(Grant grant) {
  if (has(grant.right, grant.domain)) return;
  std::erase_if(grants_, [&](const Grant& old) { return includes(grant, old.right, old.domain); });
  grants_.insert(std::ranges::upper_bound(grants_, grant), std::move(grant));
}

bool Rights::has(Right right, std::string_view domain) const {
  return right == Right::nothing ||
         std::ranges::any_of(grants_, [&](const Grant& grant) { return includes(grant, right, domain); });
}

bool Rights::has_somewhere(Right right) const {
  return right == Right::nothing ||
         std::ranges::any_of(grants_, [&](const Grant& grant) { return includes(grant, right, grant.domain); });
}

bool Rights::cover(const Rights& others) const {
  return std::ranges::all_of(others.grants_, [&](const Grant& grant) { return has(grant.right, grant.domain); });
}

std::vector<std::string> Rights::domains() const {
  std::vector<std::string> all;
  for (const auto& grant : grants_)
    if (!grant.domain.empty()) all.push_back(grant.domain);
  return all;
}

}  // namespace jackdaw
