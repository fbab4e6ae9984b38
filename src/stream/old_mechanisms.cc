// Ways to log in for old clients, all off by default: LOGIN, CRAM-MD5, DIGEST-MD5; and ANONYMOUS.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "net/address.h"
#include "router/reversible.h"
#include "router/router.h"
#include "stream/exchange.h"
#include "stream/md5_mechanisms.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

// Of the account, or one that nobody has: both take the same way. Empty: it is not known now.
Task<std::optional<std::string>> password_of(Negotiation& n, const Claim& claim) {
  const auto found =
      co_await kept_password(n.core_shard(), claim.account, binding_of(claim.known), n.stream->transport->address());
  if (!found) co_return std::nullopt;
  co_return found->value_or(random_token(16));
}

}  // namespace

// draft-murchison-sasl-login: the name may come with <auth/>.
Task<SaslOutcome> login(Negotiation& n, std::optional<std::string> name, bool& ended) {
  SaslError error = wrong();
  if (!name) name = co_await ask(n, "Username:", error, ended);
  if (!name) co_return error;
  auto password = co_await ask(n, "Password:", error, ended);
  if (!password) co_return error;
  co_return co_await check_password(n, {.authzid = {}, .authcid = std::move(*name), .password = std::move(*password)});
}

// RFC 2195 §2.
Task<SaslOutcome> cram_md5(Negotiation& n, bool& ended) {
  const std::string challenge = cram_challenge(n.domain);
  SaslError error = wrong();
  const auto said = co_await ask(n, challenge, error, ended);
  if (!said) co_return error;
  const auto response = parse_cram(*said);
  if (!response) co_return refused(SaslCondition::malformed_request, "A name and a digest were expected (RFC 2195).");
  Claim claim;
  if (auto barred = co_await begin_claim(n, claim, response->name)) co_return *barred;
  const auto password = co_await password_of(n, claim);
  if (!password) co_return not_now();
  const bool fits = cram_fits(*response, challenge, *password);
  co_return co_await end_claim(n, std::move(claim), fits, {});
}

// RFC 2831 §2.1: what the server answers is a challenge of its own, as clients of that time expect.
Task<SaslOutcome> digest_md5(Negotiation& n, bool& ended) {
  DigestMd5 server{n.domain};
  SaslError error = wrong();
  const auto said = co_await ask(n, server.challenge(), error, ended);
  if (!said) co_return error;
  const auto names = server.read(*said);
  if (const auto* malformed = std::get_if<SaslError>(&names)) co_return *malformed;
  const auto& [username, authzid] = std::get<DigestMd5::Names>(names);
  Claim claim;
  if (auto barred = co_await begin_claim(n, claim, username)) co_return *barred;
  const auto password = co_await password_of(n, claim);
  if (!password) co_return not_now();
  const auto answer = server.finish(*password);
  auto outcome = co_await end_claim(n, std::move(claim), answer.has_value(), authzid);
  if (answer && std::holds_alternative<Authenticated>(outcome) && !co_await ask(n, *answer, error, ended))
    co_return error;
  co_return outcome;
}

// RFC 4505 §2: what the client says of itself is not looked at. The account is made where its home is.
Task<SaslOutcome> anonymous(Negotiation& n) {
  StreamShard& counter = *n.shard->all.front();
  const std::string group = address_group(n.stream->transport->address());
  const bool admitted = co_await offload(counter.shard.core(), [&counter, group] {
    const auto per_hour = counter.shard.value(auth_anonymous_per_address_hour);
    return counter.anonymous_limit.admit(group, per_hour, counter.shard.core().now());
  });
  if (!admitted) co_return too_often();
  const BareJid account{JidView::of_prepared(std::string{temporary_prefix} + random_token(12) + '@' + n.domain)};
  co_return Authenticated{.account = account, .is_temporary = true};
}

}  // namespace jackdaw
