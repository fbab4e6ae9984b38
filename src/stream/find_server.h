// Where the server of a domain is: a static route, SRV records, or the domain's own address (RFC 6120 §3.2, XEP-0368).
// Start reading at find_server().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "settings/settings.h"

namespace jackdaw {

// One place to try, by name or by address.
struct ServerPlace {
  std::string host;  // in its ASCII form
  std::uint16_t port = 0;
  bool tls_at_once = false;
  bool secure = false;  // DNSSEC has proven that it is named for the domain
};

struct ServerPlaces {
  enum class What {
    found,
    none,
    failed
  } what = What::failed;            // none: that domain has no server; failed: not known now
  std::vector<ServerPlace> places;  // in the order to try
  std::string routed_host;          // of a static route: its name may prove the domain
  std::string why = {};
  bool from_records = false;  // SRV records named them
  bool bogus = false;         // not known, as the DNS's proof is wrong
};

// One SRV record (RFC 2782).
struct SrvRecord {
  std::uint16_t priority = 0, weight = 0;
  ServerPlace place;
};
// Empty: the data is no SRV record's.
std::optional<SrvRecord> read_srv(std::string_view data, bool tls_at_once, bool secure = false);
// RFC 2782, XEP-0368 §2: both services as one list, by priority, within one by chance according to weight.
std::vector<ServerPlace> in_order(std::vector<SrvRecord> records, std::mt19937_64& chance);

// On any core.
Task<ServerPlaces> find_server(Resolver& resolver, const Settings& settings, std::string domain);
// The addresses of one place, of both families, with its port.
struct PlaceAddresses {
  std::vector<SocketAddress> addresses;  // empty: it has none, or
  bool failed = false;                   // they are not known now
  bool secure = false;                   // proven by DNSSEC
  bool bogus = false;                    // the proof is wrong
};
Task<PlaceAddresses> addresses_of(Resolver& resolver, ServerPlace place);

// RFC 7673 §3: the TLSA records of a place that DNSSEC has proven, with its addresses.
struct PlaceCertificates {
  std::vector<TlsaRecord> records;  // empty: there are none that are proven
  std::string why_refused = {};     // not empty: whether there are any is not known, or the proof is wrong
  bool bogus = false;               // it is wrong
};
Task<PlaceCertificates> certificates_of(Resolver& resolver, ServerPlace place, PlaceAddresses addresses);

}  // namespace jackdaw
