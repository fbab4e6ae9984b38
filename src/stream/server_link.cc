// SPDX-License-Identifier: Apache-2.0
#include "stream/server_link.h"

#include <algorithm>

#include "base/bytes.h"
#include "net/connect.h"
#include "settings/printable.h"
#include "stream/fates.h"
#include "stream/find_server.h"
#include "stream/negotiation.h"
#include "stream/own_address.h"
#include "stream/posh.h"
#include "stream/s2s_settings.h"
#include "stream/server_certificate.h"
#include "stream/stream_counters.h"

namespace jackdaw {
namespace {

constexpr auto place_time = 30s;    // to connect to one place and agree on everything
constexpr auto connect_time = 10s;  // of these
constexpr auto proof_time = 60s;    // the peer may have to look us up first
constexpr auto close_time = 5s;
constexpr XmlLimits limits_of_features{.bytes = 64 * 1024, .elements = 512, .depth = 16};

LinkOutcome failed(Condition condition, std::string why, bool may_come_back = true) {
  return {nullptr, StanzaError{condition, std::move(why)}, may_come_back};
}

// One try at one place.
struct Attempt {
  StreamShard& here;
  const DomainPair& pair;
  const std::string& routed_host;
  TlsPolicy policy;
  Steady deadline;
  Dane dane = {};  // what its certificate must be
  std::unique_ptr<ServerLink> link = std::make_unique<ServerLink>();
  bool starttls = false, old_peer = false;
  std::string why = {};        // it came to nothing
  bool unknown_there = false;  // the server that was found does not serve the target
  bool is_ourselves = false;   // it is this one
  bool was_there = false;      // it took the connection, and did not just close it

  XmlStream& stream() { return *link->stream; }
};

std::string_view word_for(Heard::What what) {
  switch (what) {
    case Heard::What::closed:
    case Heard::What::close:
      return "it has closed the stream";
    case Heard::What::silent:
      return "it does not answer";
    case Heard::What::too_much:
      return "it says too much before it has proven itself";
    case Heard::What::error:
      return "it does not speak XML as servers do";
    default:
      return "the stream was broken off";
  }
}

// The next element. Empty: none came, and `why` says why.
Task<std::optional<OwnedElement>> next_element(Attempt& a, Steady deadline) {
  Heard heard = co_await a.stream().next(a.here.shard, deadline);
  if (heard.what != Heard::What::element) {
    a.why = word_for(heard.what);
    co_return std::nullopt;
  }
  if (heard.element.element().is({streams_ns, "error"})) {
    a.why = describe_stream_error(heard.element.element());
    a.unknown_there = static_cast<bool>(heard.element.element().child({stream_errors_ns, "host-unknown"}));
    co_return std::nullopt;
  }
  co_return std::move(heard.element);
}

void read_features(ServerLink& link, const Element& features, bool& starttls) {
  starttls = static_cast<bool>(features.child({tls_ns, "starttls"}));
  link.offers_dialback = static_cast<bool>(features.child({"urn:xmpp:features:dialback", "dialback"}));
  link.offers_management = static_cast<bool>(features.child({sm_ns, "sm"}));
  link.offers_both_ways = static_cast<bool>(features.child({"urn:xmpp:features:bidi", "bidi"}));
  link.offers_external = false;
  const Element mechanisms = features.child({sasl_ns, "mechanisms"});
  if (!mechanisms) return;
  for (Element each = mechanisms.first_child(); each; each = each.next_sibling())
    link.offers_external |= each.text() == "EXTERNAL";
}

// Headers both ways and the features (RFC 6120 §4.2, §4.3.2). False: `why`.
Task<bool> begin_stream(Attempt& a) {
  std::string header =
      "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
      " xmlns:db='jabber:server:dialback' version='1.0' xml:lang='en' from='";
  append_escaped(header, a.pair.source);
  header += "' to='";
  append_escaped(header, a.pair.target);
  a.stream().write(header + "'>");
  const Heard heard = co_await a.stream().next(a.here.shard, a.deadline);
  a.was_there |= heard.what != Heard::What::closed;
  if (heard.what != Heard::What::header) {
    a.why = word_for(heard.what);
    co_return false;
  }
  const StreamHeader& theirs = a.stream().reader.header();
  if (theirs.ns != streams_ns || theirs.local != "stream") {
    a.why = "it answers with something else than a stream";
    co_return false;
  }
  a.link->stream_id = theirs.id;
  // RFC 6120 §4.7.5: a server without a version sends no features; what is left is dialback in clear.
  a.old_peer = theirs.version.empty();
  if (a.old_peer) {
    a.starttls = false;
    a.link->offers_dialback = true;
    co_return true;
  }
  const auto features = co_await next_element(a, a.deadline);
  if (!features) co_return false;
  if (!features->element().is({streams_ns, "features"})) {
    a.why = "it sends no stream features";
    co_return false;
  }
  read_features(*a.link, features->element(), a.starttls);
  co_return true;
}

// Whether the certificate that it has shown is the target's.
std::string why_not_proven(Attempt& a) {
  const SSL* ssl = a.stream().transport->ssl();
  if (std::string why = why_untrusted(ssl); !why.empty()) return why;
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  const auto common_name = a.here.shard.value(s2s_accept_common_name) ? CommonName::accepted : CommonName::ignored;
  if (proves_domain(certificate, a.pair.target, common_name)) return {};
  if (!a.routed_host.empty() && proves_domain(certificate, a.routed_host, common_name)) return {};
  return "it is not for " + a.pair.target;
}

Task<bool> encrypt(Attempt& a) {
  const auto tls = a.here.tls;  // stays while a reload replaces it
  const auto left = std::chrono::ceil<Seconds>(a.deadline - a.here.shard.core().now());
  if (!co_await a.stream().transport->start_tls_to(tls->client_of(a.pair.source), ascii_form(a.pair.target),
                                                   "xmpp-server", a.dane, std::max<Seconds>(left, 1s))) {
    count_handshake_failure();
    a.why = "the TLS handshake failed: " + TlsState::last_error();
    co_return false;
  }
  a.link->encrypted = true;
  const DaneMatch match = a.dane.records.empty() ? DaneMatch{} : dane_match(a.stream().transport->ssl());
  // RFC 7673 §4: records that can be used and do not fit mean somebody else.
  if (match.usable && !match.fits) {
    a.why = "its certificate is none of its TLSA records";
    co_return false;
  }
  if (match.fits)
    a.stream().proven_by_dns = a.pair.target;
  else
    a.link->by_chain = (a.link->why_unverified = why_not_proven(a)).empty();
  // Where dialback would do as well nobody waits for a web server.
  if (!a.link->why_unverified.empty() && a.policy == TlsPolicy::verified &&
      co_await posh_proves(a.here, a.stream().transport->ssl(), a.pair.target, "streams of ours")) {
    a.stream().proven_by_posh = a.pair.target;
    a.link->why_unverified.clear();
  }
  if (a.policy == TlsPolicy::verified && !a.link->why_unverified.empty()) {
    a.why = "its certificate is not accepted: " + a.link->why_unverified;
    co_return false;
  }
  co_return true;
}

Task<bool> start_tls(Attempt& a) {
  a.stream().write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  const auto answer = co_await next_element(a, a.deadline);
  if (!answer) co_return false;
  if (!answer->element().is({tls_ns, "proceed"})) {
    a.why = "it offers TLS and refuses it";
    co_return false;
  }
  a.stream().reader.restart();
  if (!co_await encrypt(a)) co_return false;
  co_return co_await begin_stream(a);
}

// Up to the features that count. False: `why`.
Task<bool> negotiate_link(Attempt& a, bool tls_at_once) {
  if (tls_at_once && !co_await encrypt(a)) co_return false;
  if (!co_await begin_stream(a)) co_return false;
  if (a.link->encrypted || a.policy == TlsPolicy::never) co_return true;
  if (a.starttls) co_return co_await start_tls(a);
  if (a.policy == TlsPolicy::wherever_possible) co_return true;
  a.why = "it offers no TLS, which s2s.secure_domains or s2s.unlisted want";
  co_return false;
}

// The addresses of a place, without our own: whoever asks us for a domain would ask us again. Empty: `why`.
Task<PlaceAddresses> addresses_to_try(Attempt& a, const ServerPlace& place, std::size_t most) {
  auto found = co_await addresses_of(*a.here.resolver, place);
  const auto own = std::erase_if(
      found.addresses, [&](const SocketAddress& address) { return is_own_address(a.here.shard.server(), address); });
  if (found.addresses.size() > most) found.addresses.resize(most);
  if (!found.addresses.empty()) co_return found;
  a.is_ourselves = own > 0;
  a.why = place.host + (a.is_ourselves ? " is an address of this server, which does not serve that domain"
                        : found.failed ? ": the DNS does not answer"
                                       : ": no such name");
  co_return found;
}

// `in_clear`: TLS is not even tried, where the policy allows that when TLS comes to nothing (CommuniGate's third step).
Task<bool> try_place(Attempt& a, const ServerPlace& place, std::size_t most_addresses, bool in_clear) {
  auto found = co_await addresses_to_try(a, place, most_addresses);
  if (found.addresses.empty()) co_return false;
  PlaceCertificates dane;
  if (a.policy != TlsPolicy::never) dane = co_await certificates_of(*a.here.resolver, place, found);
  if (!dane.why_refused.empty()) {
    a.why = dane.why_refused;
    co_return false;
  }
  // RFC 7673 §4: who publishes records is spoken with over TLS only.
  if (!dane.records.empty()) a.policy = std::max(a.policy, TlsPolicy::encrypted);
  if (in_clear && a.policy >= TlsPolicy::encrypted) {
    a.why = "it has TLSA records, and TLS comes to nothing";
    co_return false;
  }
  a.dane = {place.host, std::move(dane.records)};
  const auto left = std::chrono::ceil<Seconds>(a.deadline - a.here.shard.core().now());
  auto connected =
      co_await connect_to(a.here.shard.core(), std::move(found.addresses), std::clamp<Seconds>(left, 1s, connect_time));
  if (!connected.transport) {
    a.why = connected.why;
    co_return false;
  }
  a.link->stream = std::make_unique<XmlStream>(std::move(connected.transport), a.here.shard.server().next_number++);
  a.stream().set_role("XMPPO");
  a.stream().reader.set_limits(limits_of_features);
  a.stream().log().info("connection opened", {{"domain", a.pair.target}, {"address", a.stream().transport->address()}});
  if (in_clear) co_return co_await begin_stream(a);
  co_return co_await negotiate_link(a, place.tls_at_once);
}

Task<LinkOutcome> try_all(StreamShard& here, const DomainPair& pair, const ServerPlaces& found, Effort effort) {
  const TlsPolicy policy = tls_policy(here.shard.settings(), pair.target);
  const Steady until = here.shard.core().now() + effort.time;
  std::string why = "none of its addresses answers";
  bool unknown_there = false, all_ourselves = true, was_there = false;
  for (std::size_t i = 0; i < std::min(found.places.size(), effort.places); ++i) {
    const ServerPlace& place = found.places[i];
    if (place.tls_at_once && policy == TlsPolicy::never) continue;
    const bool may_be_clear = policy == TlsPolicy::wherever_possible && !place.tls_at_once;
    for (const bool in_clear : {false, true}) {
      const Steady now = here.shard.core().now();
      if ((in_clear && !may_be_clear) || now >= until || here.shard.server().stopping) continue;
      Attempt a{here, pair, found.routed_host, policy, std::min(now + place_time, until)};
      if (co_await try_place(a, place, effort.addresses, in_clear)) {
        a.link->pair = pair;
        co_return LinkOutcome{std::move(a.link)};
      }
      why = a.why;
      unknown_there |= a.unknown_there;
      was_there |= a.was_there;
      all_ourselves &= a.is_ourselves;
      if (!a.link->stream) break;
      a.stream().log().problem("no stream to another server", {{"domain", pair.target}, {"why", why}});
      co_await close_link(std::move(a.link->stream), "</stream:stream>");
    }
  }
  // XEP-0220 §2.4.2: as if there were no server.
  if (unknown_there || (all_ourselves && !found.places.empty()))
    co_return failed(Condition::remote_server_not_found, pair.target + ": " + why, false);
  LinkOutcome outcome = failed(Condition::remote_server_timeout, pair.target + ": " + why);
  outcome.was_there = was_there;
  co_return outcome;
}

// What is known of the target's places when none is to be tried. Empty: they are.
Task<std::optional<LinkOutcome>> why_not_tried(StreamShard& here, const DomainPair& pair, const ServerPlaces& found) {
  if (found.what == ServerPlaces::What::none)
    co_return failed(Condition::remote_server_not_found, pair.target + ": " + found.why, false);
  if (found.what == ServerPlaces::What::failed)
    co_return failed(Condition::remote_server_timeout, pair.target + ": " + found.why);
  if (found.from_records || !found.routed_host.empty()) co_return std::nullopt;
  // Its own address is all there can be.
  const auto own = co_await addresses_of(*here.resolver, found.places.front());
  if (!own.addresses.empty()) co_return std::nullopt;
  if (own.failed) co_return failed(Condition::remote_server_timeout, pair.target + ": the DNS does not answer");
  co_return failed(Condition::remote_server_not_found, pair.target + ": no server of that name is known", false);
}

// RFC 6120 §6.4, XEP-0178 §3: "=" where the header has said who we are.
Task<bool> prove_by_certificate(Attempt& a) {
  a.stream().write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>" + to_base64(a.pair.source) +
                   "</auth>");
  const auto answer = co_await next_element(a, a.deadline);
  if (!answer) co_return false;
  if (!answer->element().is({sasl_ns, "success"})) {
    a.why = "it does not accept our certificate";
    co_return false;
  }
  a.stream().reader.restart();
  co_return co_await begin_stream(a);
}

// XEP-0220 §2.1.1. The error that comes back is the one its answer means.
Task<std::optional<LinkOutcome>> prove_by_dialback(Attempt& a) {
  const std::string key = dialback_key(a.here.shard.server().secret, a.pair.target, a.pair.source, a.link->stream_id);
  a.stream().write(dialback_result(a.pair, key));
  for (;;) {
    const auto element = co_await next_element(a, a.deadline);
    if (!element) co_return failed(Condition::remote_server_timeout, a.pair.target + ": " + a.why);
    const auto answer = read_dialback(element->element());
    // Only the answer to our own question counts (XEP-0220 §2.1.1).
    if (!answer || answer->what != DialbackElement::What::result || answer->from != a.pair.target ||
        answer->to != a.pair.source)
      continue;
    if (answer->type == "valid") co_return std::nullopt;
    if (answer->type == "invalid")
      co_return failed(Condition::internal_server_error, a.pair.target + " could not verify who we are.");
    const Element error = element->element().first_child();
    const std::string condition = error ? std::string(error.first_child().local()) : std::string("no reason");
    co_return failed(Condition::remote_server_timeout, a.pair.target + " refuses us: " + condition);
  }
}

// XEP-0198 §3, without resumption: what is not acknowledged is sent again on the next stream.
Task<std::optional<LinkOutcome>> manage_stream(Attempt& a) {
  a.stream().write("<enable xmlns='urn:xmpp:sm:3'/>");
  const auto answer = co_await next_element(a, a.deadline);
  if (!answer) co_return failed(Condition::remote_server_timeout, a.pair.target + ": " + a.why);
  a.link->managed = answer->element().is({sm_ns, "enabled"});
  co_return std::nullopt;
}

}  // namespace

std::string describe_stream_error(const Element& error) {
  std::string said = "it said";
  for (Element child = error.first_child(); child; child = child.next_sibling())
    said.append(" ").append(child.local() == "text" ? '"' + printable(child.text(), 200) + '"'
                                                    : std::string(child.local()));
  return said;
}

Task<LinkOutcome> open_link(StreamShard& here, DomainPair pair, Effort effort) {
  const auto settings = here.shard.settings_ref();
  const ServerPlaces found = co_await find_server(*here.resolver, *settings, pair.target);
  if (auto refused = co_await why_not_tried(here, pair, found)) co_return std::move(*refused);
  co_return co_await try_all(here, pair, found, effort);
}

Task<std::optional<LinkOutcome>> prove_ourselves(StreamShard& here, ServerLink& link) {
  const std::string no_route;
  const TlsPolicy policy = tls_policy(here.shard.settings(), link.pair.target);
  const DomainPair pair = link.pair;
  Attempt a{here, pair, no_route, policy, here.shard.core().now() + proof_time};
  *a.link = std::move(link);
  std::optional<LinkOutcome> refused;
  // XEP-0288 §2.2: before the proof. Who it is was found out as far as the policy wants it.
  a.link->both_ways = a.link->offers_both_ways && here.shard.value(s2s_bidi);
  if (a.link->both_ways) a.stream().write("<bidi xmlns='urn:xmpp:bidi'/>");
  const bool by_certificate = a.link->offers_external && co_await prove_by_certificate(a);
  if (!by_certificate && a.link->offers_external && !a.link->offers_dialback)
    refused = failed(Condition::remote_server_timeout, a.pair.target + ": " + a.why);
  else if (!by_certificate)
    refused = co_await prove_by_dialback(a);
  if (!refused && a.link->offers_management && !a.link->both_ways) refused = co_await manage_stream(a);
  link = std::move(*a.link);
  co_return refused;
}

Task<void> close_link(std::unique_ptr<XmlStream> stream, std::string last_words) {
  stream->write(last_words);
  co_await stream->transport->close(close_time);
}

}  // namespace jackdaw
