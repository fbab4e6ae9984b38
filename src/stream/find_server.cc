// SPDX-License-Identifier: Apache-2.0
#include "stream/find_server.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "stanza/jid.h"
#include "stream/s2s_policy.h"

namespace jackdaw {
namespace {

constexpr std::uint16_t server_port = 5269;
constexpr auto dns_patience = 15s;
constexpr std::size_t most_places = 8, most_addresses = 8;  // tried of one domain, of one place

// RFC 1035 §3.1: labels, each behind its size, up to the empty one.
std::optional<std::string> read_name(std::string_view data) {
  std::string name;
  while (!data.empty()) {
    const auto size = static_cast<unsigned char>(data.front());
    if (size == 0) return data.size() == 1 ? std::optional(name) : std::nullopt;
    if (size > 63 || data.size() <= size) return std::nullopt;
    if (!name.empty()) name += '.';
    name.append(data.substr(1, size));
    data.remove_prefix(size + 1U);
  }
  return std::nullopt;
}

std::uint16_t number_at(std::string_view data, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(data[at]) << 8 |
                                    static_cast<unsigned char>(data[at + 1]));
}

std::optional<SocketAddress> literal_address(std::string_view host, std::uint16_t port) {
  const auto read = parse_address(std::string(host) + ':' + std::to_string(port));
  if (host == "*" || !read || read->size() != 1) return std::nullopt;
  return read->front();
}

// The address in the data of an A or AAAA record; not beyond the limit.
void add_address(std::vector<SocketAddress>& addresses, int family, const std::string& data, std::uint16_t port) {
  if (addresses.size() >= most_addresses || data.size() != (family == AF_INET ? 4 : 16)) return;
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(family, data.data(), text, sizeof text);
  const std::string host = family == AF_INET ? text : '[' + std::string(text) + ']';
  if (const auto address = literal_address(host, port)) addresses.push_back(*address);
}

std::mt19937_64& chance_of_thread() {
  thread_local std::mt19937_64 chance{[] {
    std::uint64_t seed = 0;
    std::memcpy(&seed, random_bytes(sizeof seed).data(), sizeof seed);
    return seed;
  }()};
  return chance;
}

// RFC 2782: a single record with the root as its target says that the service is not there.
bool says_none(const std::vector<SrvRecord>& records) {
  return records.size() == 1 && records.front().place.host.empty();
}

Task<void> ask_into(Resolver& resolver, std::string name, RecordType type, Later<DnsAnswer>& answer) {
  answer.set_here(co_await resolver.ask(std::move(name), type, dns_patience));
}

// Two questions at once.
struct Question {
  std::string name;
  RecordType type;
};
Task<std::pair<DnsAnswer, DnsAnswer>> ask_both(Resolver& resolver, Question one, Question other) {
  Later<DnsAnswer> first;  // is awaited below, whatever happens
  spawn(ask_into(resolver, std::move(one.name), one.type, first));
  DnsAnswer second = co_await resolver.ask(std::move(other.name), other.type, dns_patience);
  co_return std::pair{co_await first, std::move(second)};
}

void add_records(const DnsAnswer& answer, bool tls_at_once, std::vector<SrvRecord>& records) {
  for (const auto& data : answer.records)
    if (auto record = read_srv(data, tls_at_once, answer.secure)) records.push_back(std::move(*record));
}

}  // namespace

std::optional<SrvRecord> read_srv(std::string_view data, bool tls_at_once, bool secure) {
  if (data.size() < 7) return std::nullopt;
  const auto name = read_name(data.substr(6));
  if (!name) return std::nullopt;
  return SrvRecord{number_at(data, 0), number_at(data, 2), {*name, number_at(data, 4), tls_at_once, secure}};
}

std::vector<ServerPlace> in_order(std::vector<SrvRecord> records, std::mt19937_64& chance) {
  std::ranges::stable_sort(records, {}, [](const SrvRecord& r) { return std::pair{r.priority, r.weight != 0}; });
  std::vector<ServerPlace> places;
  for (auto begin = records.begin(); begin != records.end();) {
    const auto end = std::find_if(begin, records.end(), [&](const auto& r) { return r.priority != begin->priority; });
    std::uint32_t sum = 0;
    std::for_each(begin, end, [&](const auto& r) { sum += r.weight; });
    std::uint32_t drawn = std::uniform_int_distribution<std::uint32_t>{0, sum}(chance);
    auto chosen = begin;
    while (chosen->weight < drawn) drawn -= chosen++->weight;
    if (!chosen->place.host.empty()) places.push_back(chosen->place);
    std::rotate(begin, chosen, chosen + 1);
    ++begin;
  }
  return places;
}

Task<ServerPlaces> find_server(Resolver& resolver, const Settings& settings, std::string domain) {
  using What = ServerPlaces::What;
  if (const auto route = static_route(settings, domain)) {
    ServerPlaces routed{What::found, {{ascii_form(route->host), route->port, false}}, route->host};
    if (route->port == 0) routed.places.front().port = server_port;
    co_return routed;
  }
  const std::string ascii = ascii_form(domain);
  if (literal_address(ascii, server_port)) co_return ServerPlaces{What::found, {{ascii, server_port, false}}, {}};
  Question direct_tls{"_xmpps-server._tcp." + ascii, RecordType::srv};
  Question with_starttls{"_xmpp-server._tcp." + ascii, RecordType::srv};
  const auto [at_once, starttls] = co_await ask_both(resolver, std::move(direct_tls), std::move(with_starttls));
  std::vector<SrvRecord> direct, usual;
  add_records(at_once, true, direct);
  add_records(starttls, false, usual);
  // What one question would have told must not be guessed from the other.
  for (const DnsAnswer* answer : {&at_once, &starttls})
    if (answer->what == DnsAnswer::What::failed && direct.empty() && usual.empty())
      co_return ServerPlaces{.what = What::failed, .places = {}, .why = answer->why, .bogus = answer->bogus};
  if (says_none(usual) && (direct.empty() || says_none(direct)))
    co_return ServerPlaces{What::none, {}, {}, "its DNS says that it has no server"};
  direct.insert(direct.end(), usual.begin(), usual.end());
  auto places = in_order(std::move(direct), chance_of_thread());
  if (places.size() > most_places) places.resize(most_places);
  // RFC 6120 §3.2.2: without SRV records the domain's own address.
  const bool from_records = !places.empty();
  if (!from_records) places.push_back({ascii, server_port, false, at_once.secure && starttls.secure});
  co_return ServerPlaces{What::found, std::move(places), {}, {}, from_records};
}

Task<PlaceAddresses> addresses_of(Resolver& resolver, ServerPlace place) {
  if (const auto literal = literal_address(place.host, place.port)) co_return PlaceAddresses{{*literal}};
  PlaceAddresses found{.addresses = {}, .secure = true};
  Question v6{place.host, RecordType::aaaa}, v4{place.host, RecordType::a};
  const auto answers = co_await ask_both(resolver, std::move(v6), std::move(v4));
  for (const DnsAnswer* answer : {&answers.first, &answers.second}) {
    found.failed |= answer->what == DnsAnswer::What::failed;
    found.secure &= answer->secure;
    found.bogus |= answer->bogus;
  }
  // One family after the other, so that neither takes all places (RFC 8305 §4).
  const auto &sixes = answers.first.records, &fours = answers.second.records;
  for (std::size_t i = 0; i < std::max(sixes.size(), fours.size()); ++i) {
    if (i < sixes.size()) add_address(found.addresses, AF_INET6, sixes[i], place.port);
    if (i < fours.size()) add_address(found.addresses, AF_INET, fours[i], place.port);
  }
  co_return found;
}

Task<PlaceCertificates> certificates_of(Resolver& resolver, ServerPlace place, PlaceAddresses addresses) {
  // RFC 7673 §3.3: only where the whole way to the host is proven. Who spoils one answer must not turn that off.
  if (place.secure && addresses.failed)
    co_return PlaceCertificates{.why_refused = place.host + ": its addresses cannot be proven",
                                .bogus = addresses.bogus};
  if (!place.secure || !addresses.secure) co_return PlaceCertificates{};
  const std::string name = '_' + std::to_string(place.port) + "._tcp." + place.host;
  const DnsAnswer answer = co_await resolver.ask(name, RecordType::tlsa, dns_patience);
  PlaceCertificates found{.bogus = answer.bogus};
  if (answer.what == DnsAnswer::What::failed) found.why_refused = "its TLSA records are not known: " + answer.why;
  if (answer.secure)
    for (const auto& data : answer.records)
      if (auto record = read_tlsa(data)) found.records.push_back(std::move(*record));
  co_return found;
}

}  // namespace jackdaw
