// SASL over the stream (RFC 6120 §6): which mechanisms are offered, and one exchange from <auth/> to its outcome. Start
// reading at authenticate(). Identity is decided here: authzid must be the account that was proven.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "net/workers.h"
#include "stream/external.h"
#include "stream/negotiation.h"
#include "stream/plain.h"
#include "stream/scram.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

// RFC 6120 §6.4.5: five wrong passwords end the stream. A mechanism that came to nothing before counts half:
// COMPAT(slixmpp, 1.8.3): it tries every -PLUS mechanism with a binding that TLS 1.3 does not have, then those without
// as if none had been offered (refused as a downgrade, RFC 5802 §6), and only then PLAIN.
constexpr int most_failures = 10;

// What the exchange has come to: an account and the last bytes for the client, or why not.
using Outcome = std::variant<Authenticated, SaslError>;

SaslError refused(SaslCondition condition, std::string_view text) { return {condition, text}; }
SaslError wrong() { return refused(SaslCondition::not_authorized, "The name or the password is wrong."); }

// "=" stands for an empty message, nothing for none (RFC 6120 §6.4.2).
std::optional<std::string> decoded(const Element& element) {
  const std::string text = element.text();
  if (text == "=") return std::string{};
  return from_base64(text);
}

std::string encoded(std::string_view bytes) { return bytes.empty() ? "=" : to_base64(bytes); }

bool authzid_fits(const std::string& authzid, const BareJid& account) {
  if (authzid.empty()) return true;
  const auto jid = Jid::parse(authzid);
  return jid && jid->text() == account.text();
}

// The account that a name means here; a name that cannot be one is treated like any unknown one.
BareJid account_named(Negotiation& n, const std::string& authcid) {
  const auto local = prepare_localpart(authcid);
  if (!local) return {};
  return BareJid{JidView::of_prepared(*local + '@' + n.domain)};
}

struct Known {
  std::optional<AccountRecord> record;
  bool failed = false;                          // the store did, not the client
  std::optional<AccountRecord> neighbour = {};  // when there is no such account: what its decoy looks like
};

Task<Known> look_up(Negotiation& n, const BareJid& account) {
  if (account.empty()) co_return Known{};
  auto found = co_await n.core_shard().server().store->accounts().get_or_neighbour(account);
  if (!found) {
    n.log().failure("an account cannot be read", {{"account", account.text()}, {"why", found.failure().what}});
    co_return Known{.failed = true};
  }
  if (*found && (*found)->jid == account) co_return Known{std::move(*found)};
  co_return Known{.neighbour = std::move(*found)};
}

// An account's own keys, or others that no password fits. Those have as many iterations as the account next to the
// name: after a change of auth.iterations accounts of before and after it are known, and so are their decoys.
struct Keys {
  ScramKeys keys;
  KeyKind kind;
};
Keys keys_of(Negotiation& n, const Known& known, Hash hash, const std::string& name) {
  const auto i = static_cast<std::size_t>(hash);
  const auto& like = known.record ? known.record : known.neighbour;
  const auto iterations = like && like->keys[i] ? like->keys[i]->iterations
                                                : static_cast<std::int32_t>(n.core_shard().value(auth_iterations));
  auto decoys = decoy_keys(hash, n.core_shard().server().secret, name, iterations);
  if (known.record && known.record->keys[i]) return {*known.record->keys[i], KeyKind::account};
  return {std::move(decoys), KeyKind::decoy};
}

// Sends a challenge and waits for the response. Empty: the stream has said something else; `error` says what.
Task<std::optional<std::string>> ask(Negotiation& n, std::string challenge, SaslError& error, bool& ended) {
  n.write("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + encoded(challenge) + "</challenge>");
  const Heard heard = co_await n.stream->next(n.core_shard(), n.deadline);
  if (heard.what != Heard::What::element) {
    ended = true;
    co_await end_stream(n, heard.what);
    co_return std::nullopt;
  }
  const Element element = heard.element.element();
  if (element.is({sasl_ns, "abort"})) {
    error = refused(SaslCondition::aborted, "The client gave up.");
    co_return std::nullopt;
  }
  if (!element.is({sasl_ns, "response"})) {
    error = refused(SaslCondition::malformed_request, "A response was expected.");
    co_return std::nullopt;
  }
  auto response = decoded(element);
  if (!response) error = refused(SaslCondition::incorrect_encoding, "The response is not base64.");
  co_return response;
}

// Common to all mechanisms: is the one who proved a name the account, and may it log in?
std::optional<SaslError> may_log_in(const Known& known) {
  if (!known.record) return wrong();
  if (known.record->locked) return refused(SaslCondition::account_disabled, "The account is locked.");
  return std::nullopt;
}

SaslError too_often() {
  return refused(SaslCondition::temporary_auth_failure, "Too many failed log-ins; try again later.");
}

Task<Outcome> scram(Negotiation& n, Hash hash, Plus plus, std::string first, bool& ended) {
  ScramServer server{{.hash = hash, .plus = plus, .bindings = n.bindings}};
  const auto names = server.first(first);
  if (const auto* error = std::get_if<SaslError>(&names)) co_return *error;
  const auto& [authcid, authzid] = std::get<ScramNames>(names);
  const BareJid account = account_named(n, authcid);
  const std::string counted = account.empty() ? authcid : account.text();
  if (co_await wait_before(n, counted) > 0s) co_return too_often();
  const Known known = co_await look_up(n, account);
  if (known.failed) co_return refused(SaslCondition::temporary_auth_failure, "The accounts cannot be read at present.");
  const Keys keys = keys_of(n, known, hash, counted);
  SaslError error = wrong();
  auto last = co_await ask(n, server.server_first(keys.keys, keys.kind), error, ended);
  if (!last) {
    // Who only looks at challenges is counted, but for nobody's account.
    co_await note_outcome(n, {}, false);
    co_return error;
  }
  // Many exchanges begun at once do not pass together.
  if (co_await wait_before(n, counted) > 0s) co_return too_often();
  const auto finished = server.finish(*last);
  if (const auto* failed = std::get_if<SaslError>(&finished)) {
    n.proof_failed = true;
    if (failed->condition == SaslCondition::not_authorized) co_await note_outcome(n, counted, false);
    co_return *failed;
  }
  if (auto barred = may_log_in(known)) co_return *barred;
  if (!authzid_fits(authzid, account)) co_return refused(SaslCondition::invalid_authzid, "You may only be yourself.");
  co_await note_outcome(n, counted, true);
  co_return Authenticated{account, std::get<std::string>(finished)};
}

Task<Outcome> plain(Negotiation& n, std::string message) {
  const auto parsed = parse_plain(message);
  if (const auto* error = std::get_if<SaslError>(&parsed)) co_return *error;
  const auto& said = std::get<PlainMessage>(parsed);
  const BareJid account = account_named(n, said.authcid);
  const std::string counted = account.empty() ? said.authcid : account.text();
  if (co_await wait_before(n, counted) > 0s) co_return too_often();
  const Known known = co_await look_up(n, account);
  if (known.failed) co_return refused(SaslCondition::temporary_auth_failure, "The accounts cannot be read at present.");
  // An unknown name costs as much time as a known one.
  constexpr Hash hash = Hash::sha256;
  const ScramKeys keys = keys_of(n, known, hash, counted).keys;
  const auto password = prepare_password(said.password).value_or(std::string{});
  const std::string share = n.stream->transport->address();
  const auto fits =
      co_await n.core_shard().server().workers->run(share, [=] { return password_fits(hash, password, keys); });
  if (!fits) co_return refused(SaslCondition::temporary_auth_failure, "Too many log-ins at once; try again.");
  if (co_await wait_before(n, counted) > 0s) co_return too_often();
  if (!*fits || password.empty() || !known.record) {
    n.proof_failed = true;
    co_await note_outcome(n, counted, false);
    co_return wrong();
  }
  if (auto barred = may_log_in(known)) co_return *barred;
  if (!authzid_fits(said.authzid, account))
    co_return refused(SaslCondition::invalid_authzid, "You may only be yourself.");
  co_await note_outcome(n, counted, true);
  co_return Authenticated{account, {}};
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
  if (known.failed) co_return refused(SaslCondition::temporary_auth_failure, "The accounts cannot be read at present.");
  if (auto barred = may_log_in(known)) co_return *barred;
  co_return Authenticated{account, {}};
}

bool is_offered(const Negotiation& n, std::string_view mechanism) {
  return !mechanism.empty() && mechanism.find(' ') == mechanism.npos &&
         (' ' + n.mechanisms_offered + ' ').find(' ' + std::string(mechanism) + ' ') != std::string::npos;
}

Task<Outcome> exchange(Negotiation& n, std::string mechanism, std::optional<std::string> initial, bool no_initial,
                       bool& ended) {
  // RFC 6120 §6.5.7; only what was advertised is accepted.
  if (!is_offered(n, mechanism)) co_return refused(SaslCondition::invalid_mechanism, "That mechanism is not offered.");
  if (!initial) co_return refused(SaslCondition::incorrect_encoding, "The message is not base64.");
  if (no_initial) {
    SaslError error = wrong();
    initial = co_await ask(n, {}, error, ended);
    if (!initial) co_return error;
  }
  if (mechanism == "PLAIN") co_return co_await plain(n, std::move(*initial));
  if (mechanism == "EXTERNAL") co_return co_await external(n, std::move(*initial));
  for (Hash hash : all_hashes)
    for (Plus plus : {Plus::unused, Plus::used})
      if (mechanism == scram_mechanism(hash, plus)) co_return co_await scram(n, hash, plus, std::move(*initial), ended);
  co_return refused(SaslCondition::invalid_mechanism, "That mechanism is not offered.");
}

}  // namespace

// Limits are counted on one core for all (stream_shard.h).
Task<Seconds> wait_before(Negotiation& n, std::string account) {
  StreamShard& counter = *n.shard->all.front();
  const std::string address = n.stream->transport->address();
  co_return co_await offload(counter.shard.core(), [&counter, account, address] {
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

std::string offered_mechanisms(Negotiation& n) {
  std::string list;
  const auto add = [&](std::string_view name) { list.append(list.empty() ? "" : " ").append(name); };
  const bool encrypted = n.stream->transport->is_encrypted();
  n.bindings = encrypted ? channel_bindings(n.stream->transport->ssl()) : std::vector<ChannelBinding>{};
  if (!certified_accounts(n).empty()) add("EXTERNAL");
  for (Plus plus : {Plus::used, Plus::unused})
    for (Hash hash : {Hash::sha512, Hash::sha256, Hash::sha1})
      if (plus == Plus::unused || !n.bindings.empty()) add(scram_mechanism(hash, plus));
  if (encrypted || n.served()->value(auth_plain_without_tls)) add("PLAIN");
  return list;
}

Task<std::optional<Authenticated>> authenticate(Negotiation& n, OwnedElement owned, bool& ended) {
  const Element auth = owned.element();
  const std::string mechanism = auth.attribute("mechanism").substr(0, 64);
  const bool no_initial = auth.text().empty();
  n.proof_failed = false;
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
