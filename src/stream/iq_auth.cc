// Log-in without SASL for very old clients (XEP-0078), off by default: the request names the resource too.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "router/reversible.h"
#include "stream/exchange.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

constexpr std::string_view iq_auth_ns = "jabber:iq:auth";
constexpr int most_failures = 5;

bool contains(const StringList& list, std::string_view word) { return std::ranges::find(list, word) != list.end(); }

bool works(Negotiation& n, std::string_view method) {
  return contains(n.served()->value(auth_methods), method) || contains(n.served()->value(auth_hidden), method);
}

// Where PLAIN may be used.
bool takes_clear(Negotiation& n) {
  return works(n, "PLAIN") && (n.stream->transport->is_encrypted() || n.served()->value(auth_plain_without_tls));
}

// CommuniGate's rule: the digest goes when CRAM-MD5 goes.
bool takes_digest(Negotiation& n) { return keeps_passwords(n.core_shard(), n.domain) && works(n, "CRAM-MD5"); }

// Its own children only: a client writes them in any order.
std::string said_in(const Element& query, std::string_view name) { return query.child({iq_auth_ns, name}).text(); }

void answer(Negotiation& n, const Element& iq, std::string_view type, std::string_view payload) {
  std::string out = "<iq type='" + std::string{type} + "' id='";
  append_escaped(out, iq.attribute("id"));
  n.write(out.append("'>").append(payload).append("</iq>"));
}

// §3.1: which fields are wanted; the same for every name.
void list_fields(Negotiation& n, const Element& iq, const std::string& username) {
  std::string payload = "<query xmlns='jabber:iq:auth'><username>";
  append_escaped(payload, username);
  payload += "</username>";
  if (takes_clear(n)) payload += "<password/>";
  if (takes_digest(n)) payload += "<digest/>";
  answer(n, iq, "result", payload + "<resource/></query>");
}

// SHA-1 of the stream's id and the password, in hex (§3.2).
Task<SaslOutcome> check_digest(Negotiation& n, std::string username, std::string digest) {
  Claim claim;
  if (auto barred = co_await begin_claim(n, claim, std::move(username))) co_return *barred;
  const auto password =
      co_await kept_password(n.core_shard(), claim.account, binding_of(claim.known), n.stream->transport->address());
  if (!password) co_return not_now();
  const std::string wanted = to_hex(sha1(n.stream_id + password->value_or(random_token(16))));
  const bool fits = equal_in_constant_time(wanted, digest) && password->has_value();
  co_return co_await end_claim(n, std::move(claim), fits, {});
}

Task<SaslOutcome> check_claim(Negotiation& n, std::string username, std::string password, std::string digest) {
  if (!digest.empty() && takes_digest(n)) co_return co_await check_digest(n, std::move(username), std::move(digest));
  if (password.empty() || !takes_clear(n))
    co_return refused(SaslCondition::mechanism_too_weak, "That way is not offered.");
  co_return co_await check_password(n,
                                    {.authzid = {}, .authcid = std::move(username), .password = std::move(password)});
}

void note_refusal(Negotiation& n, const SaslError& error) {
  count_login_failure(error.condition);
  n.log().problem("log-in refused", {{"condition", wire_name(error.condition)},
                                     {"account", n.claimed},
                                     {"mechanism", iq_auth_ns},
                                     {"address", n.stream->transport->address()}});
}

// §3.2, with the codes that these clients know.
void refuse(Negotiation& n, const Element& iq, const SaslError& error) {
  note_refusal(n, error);
  const StanzaError shown{.condition = Condition::not_authorized, .text = std::string{error.text}, .code = 401};
  answer(n, iq, "error", shown.xml());
}

}  // namespace

bool takes_iq_auth(Negotiation& n) {
  Domain& domain = *n.served();
  return domain.value(auth_iq_auth) && (n.stream->transport->is_encrypted() || !domain.value(auth_require_tls));
}

Task<void> answer_iq_auth(Negotiation& n, const OwnedElement& owned, std::optional<Authenticated>& who, bool& ended) {
  const Element iq = owned.element(), query = iq.first_child();
  const std::string username = said_in(query, "username"), resource = said_in(query, "resource");
  if (iq.attribute("type") == "get") {
    list_fields(n, iq, username);
    co_return;
  }
  if (iq.attribute("type") != "set" || username.empty() || resource.empty() || !prepare_resourcepart(resource)) {
    const StanzaError missing{
        .condition = Condition::not_acceptable, .text = "A name, a password and a resource are needed.", .code = 406};
    note_refusal(n, refused(SaslCondition::malformed_request, missing.text));
    answer(n, iq, "error", missing.xml());
    ended = ++n.failures >= most_failures;
  } else {
    n.proof_failed = false;
    const SaslOutcome outcome = co_await check_claim(n, username, said_in(query, "password"), said_in(query, "digest"));
    if (const auto* good = std::get_if<Authenticated>(&outcome)) {
      count_login();
      who = *good;
      who->resource = resource;
      who->request_id = iq.attribute("id");
      n.log().info("authenticated", {{"account", who->account.text()}, {"mechanism", iq_auth_ns}});
      co_return;
    }
    refuse(n, iq, std::get<SaslError>(outcome));
    ended = ++n.failures >= most_failures;
  }
  if (ended) co_await end_stream(n, StreamError{StreamCondition::policy_violation, "Too many failed log-ins."});
}

}  // namespace jackdaw
