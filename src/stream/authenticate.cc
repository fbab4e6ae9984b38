// SASL over the stream (RFC 6120 §6): which mechanisms are offered, and one exchange from <auth/> to its outcome. Start
// reading at authenticate(). Identity is decided here: authzid must be the account that was proven.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/bytes.h"
#include "router/reversible.h"
#include "stream/exchange.h"
#include "stream/external.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

// RFC 6120 §6.4.5: five wrong passwords end the stream. A mechanism that came to nothing before counts half:
// COMPAT(slixmpp, 1.8.3): it tries every -PLUS mechanism with a binding that TLS 1.3 does not have, then those without
// as if none had been offered (refused as a downgrade, RFC 5802 §6), and only then PLAIN.
constexpr int most_failures = 10;
constexpr std::size_t largest_message = 8 * 1024;  // tickets of Kerberos alone are larger

using Outcome = SaslOutcome;

Task<Outcome> scram(Negotiation& n, Hash hash, Plus plus, std::string first, bool& ended) {
  ScramServer server{{.hash = hash, .plus = plus, .bindings = n.bindings}};
  const auto names = server.first(first);
  if (const auto* error = std::get_if<SaslError>(&names)) co_return *error;
  const auto& [authcid, authzid] = std::get<ScramNames>(names);
  Claim claim;
  if (auto barred = co_await begin_claim(n, claim, authcid)) co_return *barred;
  const ProofKeys keys = keys_of(n, claim.known, hash, claim.counted);
  SaslError error = wrong();
  auto last = co_await ask(n, server.server_first(keys.keys, keys.kind), error, ended);
  if (!last) {
    // Who only looks at challenges is counted, but for nobody's account.
    co_await note_outcome(n, {}, false);
    co_return error;
  }
  // Many exchanges begun at once do not pass together.
  if (co_await wait_before(n, claim.counted) > 0s) co_return too_often();
  const auto finished = server.finish(*last);
  if (const auto* failed = std::get_if<SaslError>(&finished)) {
    n.proof_failed = true;
    if (failed->condition == SaslCondition::not_authorized) co_await note_outcome(n, claim.counted, false);
    co_return *failed;
  }
  if (auto barred = may_log_in(claim.known)) co_return *barred;
  if (!authzid_fits(n, authzid, claim.account))
    co_return refused(SaslCondition::invalid_authzid, "You may only be yourself.");
  co_await note_outcome(n, claim.counted, true);
  co_return Authenticated{
      .account = claim.account, .success = std::get<std::string>(finished), .keys = mark_of(claim.known)};
}

Task<Outcome> plain(Negotiation& n, std::string message) {
  const auto parsed = parse_plain(message);
  if (const auto* error = std::get_if<SaslError>(&parsed)) co_return *error;
  co_return co_await check_password(n, std::get<PlainMessage>(parsed));
}

// The accounts a verified client certificate proves; none without one.
std::vector<BareJid> certified_accounts(Negotiation& n) {
  SSL* ssl = n.stream->transport->ssl();
  if (!ssl || !n.served() || !n.served()->value(auth_external)) return {};
  // Verified for another domain (by SNI), or before a reload: it proves nothing here.
  if (SSL_get_SSL_CTX(ssl) != n.shard->tls->of(n.domain)) return {};
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  const auto field = certificate_field(n.served()->value(auth_external_field));
  return field ? proven_accounts(certificate, *field, n.domain) : std::vector<BareJid>{};
}

Task<Outcome> external(Negotiation& n, std::string authzid) {
  const auto chosen = external_account(certified_accounts(n), authzid);
  if (const auto* error = std::get_if<SaslError>(&chosen)) co_return *error;
  const BareJid account = std::get<BareJid>(chosen);
  const Known known = co_await look_up(n, account);
  if (known.failed) co_return not_now();
  if (auto barred = may_log_in(known)) co_return *barred;
  co_return Authenticated{.account = account, .by_certificate = true};
}

bool is_accepted(const Negotiation& n, std::string_view mechanism) {
  return std::ranges::find(n.mechanisms_accepted, mechanism) != n.mechanisms_accepted.end();
}

Task<Outcome> exchange(Negotiation& n, std::string mechanism, std::optional<std::string> initial, bool no_initial,
                       bool& ended) {
  // RFC 6120 §6.5.7; also what works without being advertised.
  if (!is_accepted(n, mechanism)) co_return refused(SaslCondition::invalid_mechanism, "That mechanism is not offered.");
  if (!initial) co_return refused(SaslCondition::incorrect_encoding, "The message is not base64.");
  // Those in which the server speaks first.
  // COMPAT(slixmpp, 1.8.3): LOGIN comes with an empty message, which is no name.
  if (mechanism == "LOGIN") co_return co_await login(n, initial->empty() ? std::nullopt : std::move(initial), ended);
  if (mechanism == "CRAM-MD5") co_return co_await cram_md5(n, ended);
  if (mechanism == "DIGEST-MD5") co_return co_await digest_md5(n, ended);
  if (mechanism == "ANONYMOUS") co_return co_await anonymous(n);
  if (no_initial) {
    SaslError error = wrong();
    initial = co_await ask(n, {}, error, ended);
    if (!initial) co_return error;
  }
  if (mechanism == "GSSAPI") co_return co_await gssapi(n, std::move(*initial), ended);
  if (initial->size() > largest_message)
    co_return refused(SaslCondition::malformed_request, "The message is too long.");
  if (mechanism == "PLAIN") co_return co_await plain(n, std::move(*initial));
  if (mechanism == "EXTERNAL") co_return co_await external(n, std::move(*initial));
  for (Hash hash : all_hashes)
    for (Plus plus : {Plus::unused, Plus::used})
      if (mechanism == scram_mechanism(hash, plus)) co_return co_await scram(n, hash, plus, std::move(*initial), ended);
  co_return refused(SaslCondition::invalid_mechanism, "That mechanism is not offered.");
}

// What the server can do on this stream, strongest first.
std::vector<std::string> possible_mechanisms(Negotiation& n) {
  std::vector<std::string> list;
  const bool encrypted = n.stream->transport->is_encrypted();
  if (!certified_accounts(n).empty()) list.emplace_back("EXTERNAL");
  for (Plus plus : {Plus::used, Plus::unused})
    for (Hash hash : {Hash::sha512, Hash::sha256, Hash::sha1})
      if (plus == Plus::unused || !n.bindings.empty()) list.emplace_back(scram_mechanism(hash, plus));
  if (n.core_shard().server().kerberos) list.emplace_back("GSSAPI");
  if (keeps_passwords(n.core_shard(), n.domain)) list.insert(list.end(), {"DIGEST-MD5", "CRAM-MD5"});
  if (encrypted || n.served()->value(auth_plain_without_tls)) list.insert(list.end(), {"PLAIN", "LOGIN"});
  list.emplace_back("ANONYMOUS");
  return list;
}

}  // namespace

// Limits are counted on one core for all (stream_shard.h), as its settings are now.
Task<Seconds> wait_before(Negotiation& n, std::string account) {
  StreamShard& counter = *n.shard->all.front();
  const std::string address = n.stream->transport->address();
  co_return co_await offload(counter.shard.core(), [&counter, account, address] {
    counter.login_limits.set_account_flow(static_cast<int>(counter.shard.value(auth_account_failures)),
                                          counter.shard.value(auth_account_failures_time));
    return counter.login_limits.wait(account, address, counter.shard.core().now());
  });
}

Task<void> note_outcome(Negotiation& n, std::string account, bool good) {
  StreamShard& counter = *n.shard->all.front();
  const std::string address = n.stream->transport->address();
  co_await offload(counter.shard.core(), [&counter, account, address, good] {
    const Steady now = counter.shard.core().now();
    if (good)
      counter.login_limits.succeeded(account, address, now);
    else
      counter.login_limits.failed(account, address, now);
    return true;
  });
}

void choose_mechanisms(Negotiation& n) {
  n.mechanisms_offered.clear();
  n.mechanisms_accepted.clear();
  n.bindings = n.stream->transport->is_encrypted() ? channel_bindings(n.stream->transport->ssl())
                                                   : std::vector<ChannelBinding>{};
  const StringList enabled = n.served()->value(auth_methods), hidden = n.served()->value(auth_hidden);
  for (auto& mechanism : possible_mechanisms(n)) {
    // A method is one with channel binding and without.
    const std::string method = mechanism.ends_with("-PLUS") ? mechanism.substr(0, mechanism.size() - 5) : mechanism;
    const bool is_hidden = std::ranges::find(hidden, method) != hidden.end();
    if (!is_hidden && std::ranges::find(enabled, method) == enabled.end()) continue;
    if (!is_hidden) n.mechanisms_offered.push_back(mechanism);
    n.mechanisms_accepted.push_back(std::move(mechanism));
  }
  // RFC 5802 §6: bindings count where -PLUS was advertised.
  const auto is_bound = [](const std::string& name) { return name.ends_with("-PLUS"); };
  if (std::ranges::none_of(n.mechanisms_offered, is_bound)) {
    n.bindings.clear();
    std::erase_if(n.mechanisms_accepted, is_bound);
  }
  if (!is_accepted(n, "GSSAPI") || std::exchange(n.takes_tickets, true)) return;
  n.stream->reader.set_limits(limits_with_tickets);
  n.stream->set_budget(bytes_with_tickets);
}

std::optional<StreamError> overstep(Negotiation& n, const OwnedElement& owned) {
  if (!n.takes_tickets || n.with_ticket) return std::nullopt;
  n.usual_bytes += owned.size();
  if (owned.size() > limits_before_authentication.bytes) return stream_error_of(XmlError::too_big);
  if (n.usual_bytes > bytes_before_authentication) return said_too_much();
  return std::nullopt;
}

Task<std::optional<Authenticated>> authenticate(Negotiation& n, OwnedElement owned, bool& ended) {
  const Element auth = owned.element();
  const std::string mechanism = auth.attribute("mechanism").substr(0, 64);
  const bool no_initial = auth.text().empty();
  n.proof_failed = false;
  n.claimed.clear();
  const Outcome outcome = co_await exchange(n, mechanism, decoded(auth), no_initial, ended);
  if (ended) co_return std::nullopt;
  if (const auto* who = std::get_if<Authenticated>(&outcome)) {
    count_login();
    Authenticated good = *who;
    good.success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" +
                   (who->success.empty() ? std::string{} : to_base64(who->success)) + "</success>";
    n.log().info("authenticated", {{"account", good.account.text()}, {"mechanism", mechanism}});
    co_return good;
  }
  const auto& error = std::get<SaslError>(outcome);
  count_login_failure(error.condition);
  n.log().problem("log-in refused", {{"condition", wire_name(error.condition)},
                                     {"mechanism", mechanism},
                                     {"account", n.claimed},
                                     {"address", n.stream->transport->address()}});
  std::string failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><";
  failure.append(wire_name(error.condition)).append("/><text xml:lang='en'>");
  append_escaped(failure, error.text);
  n.write(failure + "</text></failure>");
  n.failures += n.proof_failed ? 2 : 1;
  if (n.failures < most_failures) co_return std::nullopt;
  ended = true;
  co_await end_stream(n, StreamError{StreamCondition::policy_violation, "Too many failed log-ins."});
  co_return std::nullopt;
}

}  // namespace jackdaw
