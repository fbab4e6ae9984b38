// What the DNS says of a domain and its certificate: the second half of certificate_report.h.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/bytes.h"
#include "stanza/jid.h"
#include "stream/certificate_report.h"
#include "stream/find_server.h"
#include "stream/proven_by_dns.h"
#include "stream/s2s_settings.h"

namespace jackdaw {
namespace {

constexpr Seconds patience{10};

// The SRV records of one service for clients (RFC 6120 §3.2.1, XEP-0368 §2).
Task<std::vector<SrvRecord>> client_records(Resolver& resolver, std::string ascii, bool tls_at_once) {
  std::vector<SrvRecord> records;
  const auto answer = co_await resolver.ask((tls_at_once ? "_xmpps-client._tcp." : "_xmpp-client._tcp.") + ascii,
                                            RecordType::srv, patience);
  for (const auto& data : answer.records)
    if (auto record = read_srv(data, tls_at_once)) records.push_back(std::move(*record));
  co_return records;
}

std::string shown(const ServerPlace& place) {
  return fmt::format("{}:{}{}", place.host, place.port, place.tls_at_once ? " (TLS)" : "");
}

// Whether the place has an address.
Task<Finding> place_finding(Resolver& resolver, std::string who, ServerPlace place) {
  const auto found = co_await addresses_of(resolver, place);
  if (!found.addresses.empty())
    co_return Finding{"dns", Severity::good,
                      who + " are sent to " + shown(place) + ", " + found.addresses.front().host()};
  const std::string why =
      found.failed ? "the DNS does not answer" : "that name has no address: add an A or AAAA record";
  co_return Finding{"dns", found.failed ? Severity::note : Severity::bad,
                    who + " are sent to " + shown(place) + ", but " + why};
}

Task<void> check_clients(Resolver& resolver, const std::string& domain, std::vector<Finding>& findings) {
  const std::string ascii = ascii_form(domain);
  auto records = co_await client_records(resolver, ascii, false);
  for (auto& each : co_await client_records(resolver, ascii, true)) records.push_back(std::move(each));
  if (records.empty()) records.push_back({.place = {ascii, 5222, false, false}});
  for (const auto& record : records) findings.push_back(co_await place_finding(resolver, "clients", record.place));
}

// "3 1 1 ab01..." (RFC 7671 §5.1): good as long as the key stays.
std::string wanted_record(const X509* certificate) { return "3 1 1 " + to_hex(key_digest(certificate)); }

Task<Finding> dane_finding(Resolver& resolver, ServerPlace place, const CertificateDescription& is) {
  auto addresses = co_await addresses_of(resolver, place);
  const auto certificates = co_await certificates_of(resolver, place, std::move(addresses));
  const std::string name = fmt::format("_{}._tcp.{}", place.port, place.host);
  if (!certificates.why_refused.empty())
    co_return Finding{"dane", Severity::bad, name + ": " + certificates.why_refused};
  if (certificates.records.empty())
    co_return Finding{
        "dane", Severity::note,
        name + ": no TLSA record that DNSSEC proves; this one would do: TLSA " + wanted_record(is.chain.front().get())};
  for (const auto& record : certificates.records)
    for (std::size_t i = 0; i < is.chain.size(); ++i)
      if (tlsa_matches(record, is.chain[i].get()) && (i == 0 || record.usage % 2 == 0))
        co_return Finding{"dane", Severity::good, name + ": a TLSA record fits"};
  co_return Finding{"dane", Severity::bad,
                    name + ": no TLSA record fits, so servers that look refuse this one; publish TLSA " +
                        wanted_record(is.chain.front().get())};
}

}  // namespace

Task<std::vector<Finding>> check_dns(Resolver& resolver, const Settings& settings, const CertificateDescription& is) {
  std::vector<Finding> findings;
  const std::string domain = is.files.domain;
  co_await check_clients(resolver, domain, findings);
  const ServerPlaces found = co_await find_server(resolver, settings, domain);
  if (found.places.empty())
    findings.push_back({"dns", found.what == ServerPlaces::What::none ? Severity::bad : Severity::note,
                        "other servers do not find it: " + found.why});
  for (const auto& place : found.places) findings.push_back(co_await place_finding(resolver, "other servers", place));
  if (settings.value(dns_trust_anchor).empty()) {
    findings.push_back({"dane", Severity::note, "not looked at: dns.trust_anchor is empty"});
  } else if (!is.chain.empty()) {
    for (const auto& place : found.places) findings.push_back(co_await dane_finding(resolver, place, is));
  }
  co_return findings;
}

}  // namespace jackdaw
