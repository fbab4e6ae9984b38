// SPDX-License-Identifier: Apache-2.0
#include "stream/s2s_policy.h"

#include <charconv>
#include <set>

#include "settings/printable.h"
#include "stanza/jid.h"
#include "stream/s2s_settings.h"

namespace jackdaw {
namespace {

constexpr std::size_t longest_pattern = 255;

// The first label of a name, and what is behind its dot.
std::pair<std::string_view, std::string_view> split_label(std::string_view name) {
  const auto dot = name.find('.');
  return dot == name.npos ? std::pair{name, std::string_view{}} : std::pair{name.substr(0, dot), name.substr(dot + 1)};
}

// A domain's name in its prepared form, in which whole labels may be "*"; empty: it is none.
std::optional<std::string> prepare_pattern(std::string_view text) {
  if (text.size() > longest_pattern || text.empty()) return std::nullopt;
  // Prepared with another label in each star's place, as one label alone may mean something else ("163").
  static constexpr std::string_view stand_in = "star-label";
  std::string whole;
  std::vector<bool> stars;
  for (std::string_view rest = text;;) {
    const auto dot = rest.find('.');
    stars.push_back(rest.substr(0, dot) == "*");
    whole += stars.back() ? stand_in : rest.substr(0, dot);
    if (dot == rest.npos) break;
    whole += '.';
    rest.remove_prefix(dot + 1);
  }
  const auto prepared = prepare_domainpart(whole);
  if (!prepared) return std::nullopt;
  std::string made;
  std::string_view rest = *prepared;
  for (const bool star : stars) {
    const auto [label, behind] = split_label(rest);
    if (!made.empty()) made += '.';
    made += star ? "*" : label;
    rest = behind;
  }
  return made;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::string in_lower_case(std::string_view text) {
  std::string lower{text};
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

// The right side of a record of CommuniGate's Router: "dom@host._via" or "host._via" is the host, for its own domain
// only.
std::string_view via_host(std::string_view text, std::string_view domain) {
  constexpr std::string_view via = "._via";
  if (text.size() < via.size() || in_lower_case(text.substr(text.size() - via.size())) != via) return text;
  text.remove_suffix(via.size());
  const auto at = text.find('@');
  if (at == text.npos) return text;
  return trimmed(text.substr(0, at)) == domain ? text.substr(at + 1) : std::string_view{};
}

// "example.org=host[:port]", an IPv6 address in brackets; or a record of CommuniGate's Router,
// "NoRelay:example.org = example.org@host._via".
std::optional<std::pair<std::string, StaticRoute>> read_route(std::string_view row) {
  constexpr std::string_view no_relay = "norelay:";
  row = trimmed(row.substr(0, row.find(';')));  // a comment
  if (in_lower_case(row.substr(0, no_relay.size())) == no_relay) row.remove_prefix(no_relay.size());
  const auto split = row.find('=');
  if (split == row.npos) return std::nullopt;
  const std::string_view name = trimmed(row.substr(0, split));
  const auto domain = prepare_domainpart(name);
  std::string_view host = via_host(trimmed(row.substr(split + 1)), name);
  StaticRoute route{{}, 0};
  const auto colon = host.rfind(':');
  if (colon != host.npos && colon > 0 && (host.find(']') == host.npos || host[colon - 1] == ']')) {
    const std::string_view port = host.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), route.port);
    if (error != std::errc{} || end != port.data() + port.size() || route.port == 0) return std::nullopt;
    host = host.substr(0, colon);
  }
  const auto prepared = prepare_domainpart(host);
  if (!domain || !prepared) return std::nullopt;
  route.host = *prepared;
  return std::pair{*domain, route};
}

TlsPolicy policy_named(std::string_view word) {
  return word == "verified"            ? TlsPolicy::verified
         : word == "encrypted"         ? TlsPolicy::encrypted
         : word == "wherever_possible" ? TlsPolicy::wherever_possible
                                       : TlsPolicy::never;
}

}  // namespace

std::string_view name_of(TlsPolicy policy) {
  switch (policy) {
    case TlsPolicy::never:
      return "never";
    case TlsPolicy::wherever_possible:
      return "wherever_possible";
    case TlsPolicy::encrypted:
      return "encrypted";
    case TlsPolicy::verified:
      return "verified";
  }
  return {};
}

bool domain_fits(std::string_view pattern, std::string_view domain) {
  if (pattern.empty() || domain.empty()) return pattern.empty() && domain.empty();
  const auto [label, behind] = split_label(pattern);
  const auto [first, rest] = split_label(domain);
  if (label != "*") return label == first && domain_fits(behind, rest);
  return domain_fits(behind, rest) || domain_fits(pattern, rest);
}

TlsPolicy tls_policy(const Settings& settings, std::string_view domain) {
  bool listed = false;
  for (const auto& row : settings.value(s2s_secure_domains)) {
    const bool never = row.starts_with('!');
    const auto pattern = prepare_pattern(std::string_view{row}.substr(never ? 1 : 0));
    if (!pattern || !domain_fits(*pattern, domain)) continue;
    if (never) return TlsPolicy::never;
    listed = true;
  }
  return listed ? TlsPolicy::verified : policy_named(settings.value(s2s_unlisted));
}

std::optional<StaticRoute> static_route(const Settings& settings, std::string_view domain) {
  for (const auto& row : settings.value(s2s_routes))
    if (auto route = read_route(row); route && route->first == domain) return route->second;
  return std::nullopt;
}

Result<Done> check_s2s_settings(const Settings& settings) {
  std::set<std::string> routed;
  for (const auto& row : settings.value(s2s_routes)) {
    const auto route = read_route(row);
    if (!route)
      return Failure{"s2s.routes: '" + printable(row) +
                     "' is not NAME=HOST or NAME=HOST:PORT, nor NoRelay:NAME = NAME@HOST._via"};
    if (!routed.insert(route->first).second)
      return Failure{"s2s.routes: " + printable(route->first) + " is there twice"};
  }
  for (const auto& row : settings.value(s2s_secure_domains))
    if (!prepare_pattern(std::string_view{row}.substr(row.starts_with('!') ? 1 : 0)))
      return Failure{"s2s.secure_domains: '" + printable(row) + "' is no domain, nor one with \"*\" for labels"};
  return Done{};
}

}  // namespace jackdaw
