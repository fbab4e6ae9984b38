// SPDX-License-Identifier: Apache-2.0
#include "stream/exchange.h"

#include "base/bytes.h"
#include "net/workers.h"
#include "router/aliases.h"
#include "router/provision.h"
#include "router/reversible.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

std::string encoded(std::string_view bytes) { return bytes.empty() ? "=" : to_base64(bytes); }

}  // namespace

SaslError too_often() {
  return refused(SaslCondition::temporary_auth_failure, "Too many failed log-ins; try again later.");
}

SaslError not_now() {
  return refused(SaslCondition::temporary_auth_failure, "The accounts cannot be read at present.");
}

std::optional<std::string> decoded(const Element& element) {
  const std::string text = element.text();
  if (text == "=") return std::string{};
  return from_base64(text);
}

Task<std::optional<std::string>> ask(Negotiation& n, std::string challenge, SaslError& error, bool& ended) {
  n.write("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + encoded(challenge) + "</challenge>");
  const Heard heard = co_await n.stream->next(n.core_shard(), n.deadline);
  if (heard.what != Heard::What::element) {
    ended = true;
    co_await end_stream(n, heard.what);
    co_return std::nullopt;
  }
  if (const auto too_large = overstep(n, heard.element)) {
    ended = true;
    co_await end_stream(n, *too_large);
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

// A name that cannot be one is treated like any unknown one.
BareJid account_named(Negotiation& n, const std::string& authcid) {
  const auto local = prepare_localpart(authcid);
  if (!local) return {};
  const BareJid named{JidView::of_prepared(*local + '@' + n.domain)};
  // Each domain decides itself how its accounts log in: an alias in another one is for messages alone.
  const BareJid account = account_of(n.core_shard().aliases(), named);
  return account.domainpart() == n.domain ? account : named;
}

bool authzid_fits(Negotiation& n, const std::string& authzid, const BareJid& account) {
  if (authzid.empty()) return true;
  const auto jid = BareJid::parse(authzid);
  return jid && account_of(n.core_shard().aliases(), *jid) == account;
}

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

ProofKeys keys_of(Negotiation& n, const Known& known, Hash hash, const std::string& name) {
  const auto i = static_cast<std::size_t>(hash);
  const auto& like = known.record ? known.record : known.neighbour;
  const auto iterations = like && like->keys[i] ? like->keys[i]->iterations
                                                : static_cast<std::int32_t>(n.core_shard().value(auth_iterations));
  auto decoys = decoy_keys(hash, n.core_shard().server().secret, name, iterations);
  if (known.record && known.record->keys[i]) return {*known.record->keys[i], KeyKind::account};
  return {std::move(decoys), KeyKind::decoy};
}

std::optional<SaslError> may_log_in(const Known& known) {
  if (!known.record) return wrong();
  if (known.record->locked) return refused(SaslCondition::account_disabled, "The account is locked.");
  return std::nullopt;
}

Task<std::optional<SaslError>> begin_claim(Negotiation& n, Claim& claim, std::string authcid) {
  claim.account = account_named(n, authcid);
  claim.counted = claim.account.empty() ? authcid : claim.account.text();
  n.claimed = claim.account.text();
  if (co_await wait_before(n, claim.counted) > 0s) co_return too_often();
  claim.known = co_await look_up(n, claim.account);
  if (claim.known.failed) co_return not_now();
  co_return std::nullopt;
}

// Many exchanges begun at once do not pass together: the limits are asked once more.
Task<SaslOutcome> end_claim(Negotiation& n, Claim claim, bool fits, std::string authzid) {
  if (co_await wait_before(n, claim.counted) > 0s) co_return too_often();
  if (!fits || !claim.known.record) {
    n.proof_failed = true;
    co_await note_outcome(n, claim.counted, false);
    co_return wrong();
  }
  if (auto barred = may_log_in(claim.known)) co_return *barred;
  if (!authzid_fits(n, authzid, claim.account))
    co_return refused(SaslCondition::invalid_authzid, "You may only be yourself.");
  co_await note_outcome(n, claim.counted, true);
  co_return Authenticated{.account = claim.account, .keys = mark_of(claim.known)};
}

Task<SaslOutcome> check_password(Negotiation& n, PlainMessage said) {
  Claim claim;
  if (auto error = co_await begin_claim(n, claim, said.authcid)) co_return *error;
  // An unknown name costs as much time as a known one.
  constexpr Hash hash = Hash::sha256;
  const ScramKeys keys = keys_of(n, claim.known, hash, claim.counted).keys;
  const auto password = prepare_password(said.password).value_or(std::string{});
  const std::string share = n.stream->transport->address();
  const auto fits =
      co_await n.core_shard().server().workers->run(share, [=] { return password_fits(hash, password, keys); });
  if (!fits) co_return refused(SaslCondition::temporary_auth_failure, "Too many log-ins at once; try again.");
  const std::string binding = binding_of(claim.known);
  auto outcome = co_await end_claim(n, std::move(claim), *fits && !password.empty(), said.authzid);
  // A domain that has just begun to keep passwords has them from the next log-in on.
  if (const auto* who = std::get_if<Authenticated>(&outcome); who && keeps_passwords(n.core_shard(), n.domain))
    co_await learn_password(n.core_shard(), {who->account, password, binding, share});
  co_return outcome;
}

}  // namespace jackdaw
