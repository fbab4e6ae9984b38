// SASL GSSAPI (RFC 4752) on the stream: tokens to and from the acceptor on its worker. Start reading at gssapi().
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "net/workers.h"
#include "stream/exchange.h"
#include "stream/gss_acceptor.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

constexpr int most_steps = 8;

SaslError busy() { return refused(SaslCondition::temporary_auth_failure, "Kerberos cannot be asked at present."); }

using Acceptor = std::shared_ptr<GssAcceptor>;
using Answer = std::optional<Result<std::string>>;

// On the worker for Kerberos, which waits for files. The acceptor outlives a connection that goes meanwhile.
template <class F>
Task<Answer> at_worker(Negotiation& n, F f) {
  co_return co_await n.core_shard().server().kerberos->run(n.stream->transport->address(), std::move(f));
}

std::string realm_of(Negotiation& n) {
  std::string realm = n.served()->value(auth_gssapi_realm);
  if (!realm.empty()) return realm;
  realm = n.domain;
  std::ranges::transform(realm, realm.begin(), [](unsigned char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
  return realm;
}

SaslError explain(Negotiation& n, const GssAcceptor& acceptor, const Failure& why) {
  if (acceptor.is_ours()) {
    n.log().failure("nobody can log in with Kerberos", {{"why", why.what}});
    return busy();
  }
  n.log().problem("a Kerberos log-in failed", {{"why", why.what}});
  n.proof_failed = true;
  return wrong();
}

// RFC 4752 §3.1: until both sides know each other. The error, or nothing.
Task<std::optional<SaslError>> establish(Negotiation& n, const Acceptor& acceptor, std::string token, bool& ended) {
  for (int step = 0; step < most_steps; ++step) {
    const Answer answer = co_await at_worker(n, [acceptor, token] { return acceptor->step(token); });
    if (!answer) co_return busy();
    if (!*answer) co_return explain(n, *acceptor, answer->failure());
    if (acceptor->is_proven() && (*answer)->empty()) co_return std::nullopt;
    SaslError error = wrong();
    auto next = co_await ask(n, **answer, error, ended);
    if (!next) co_return error;
    if (acceptor->is_proven()) co_return std::nullopt;
    token = std::move(*next);
  }
  co_return refused(SaslCondition::malformed_request, "That takes too many steps.");
}

// COMPAT(pykerberos, 1.1): clients ask for the name alone where RFC 6120 §6.3.8 has a JID.
bool may_be(Negotiation& n, const std::string& authzid, const std::string& name, const BareJid& account) {
  return authzid == name || authzid == account.localpart() || authzid_fits(n, authzid, account);
}

}  // namespace

Task<SaslOutcome> gssapi(Negotiation& n, std::string token, bool& ended) {
  if (co_await wait_before(n, {}) > 0s) co_return too_often();
  const auto acceptor = std::make_shared<GssAcceptor>(n.core_shard().value(auth_gssapi_keytab));
  if (auto error = co_await establish(n, acceptor, std::move(token), ended)) {
    if (n.proof_failed) co_await note_outcome(n, {}, false);
    co_return *error;
  }
  const Answer offer = co_await at_worker(n, [acceptor] { return acceptor->offer_layers(); });
  if (!offer) co_return busy();
  if (!*offer) co_return explain(n, *acceptor, offer->failure());
  SaslError error = wrong();
  const auto chosen = co_await ask(n, **offer, error, ended);
  if (!chosen) co_return error;
  const Answer authzid = co_await at_worker(n, [acceptor, chosen] { return acceptor->finish(*chosen); });
  if (!authzid) co_return busy();
  if (!*authzid) co_return explain(n, *acceptor, authzid->failure());
  if (!n.served()) co_return wrong();
  const std::string name = localpart_of_principal(acceptor->principal(), realm_of(n));
  // Principals that differ in case are different people.
  if (name.empty() || prepare_localpart(name) != name) {
    n.log().problem("a principal is no account's", {{"principal", acceptor->principal()}, {"realm", realm_of(n)}});
    co_return wrong();
  }
  Claim claim;
  if (auto barred = co_await begin_claim(n, claim, name)) co_return *barred;
  if (auto barred = may_log_in(claim.known)) co_return *barred;
  if (!may_be(n, **authzid, name, claim.account))
    co_return refused(SaslCondition::invalid_authzid, "You may only be yourself.");
  co_await note_outcome(n, claim.counted, true);
  co_return Authenticated{claim.account, {}};
}

}  // namespace jackdaw
