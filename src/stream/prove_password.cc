// SPDX-License-Identifier: Apache-2.0
#include "stream/prove_password.h"

#include "base/metrics.h"
#include "net/workers.h"
#include "router/aliases.h"
#include "router/provision.h"
#include "stream/scram.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

const Metric refused_proofs{"jackdaw_administrator_logins_refused",
                            "Commands refused as the administrator's password was wrong, or tried too often."};

const Log& log() {
  static const Log made{"ADMIN"};
  return made;
}

Failure refused(const std::string& jid, std::string_view why) {
  refused_proofs.add();
  log().major("administrator not proven", {{"jid", jid}, {"why", why}});
  return Failure{std::string{why}};
}

}  // namespace

Task<Result<BareJid>> prove_password(StreamShard& first, std::string jid, std::string password, std::string address) {
  constexpr std::string_view wrong = "The address or the password is wrong.";
  constexpr std::string_view too_often = "Too many failed log-ins; try again later.";
  constexpr Hash hash = Hash::sha256;
  Shard& shard = first.shard;
  const auto named = BareJid::parse(jid);
  const auto prepared = prepare_password(password);
  if (!named || !named->has_localpart() || !prepared || prepared->empty()) co_return refused(jid, wrong);
  // As at a log-in: an alias in another domain is for messages alone.
  BareJid account = account_of(shard.aliases(), *named);
  if (account.domainpart() != named->domainpart()) account = *named;
  if (!shard.domain(account.domainpart())) co_return refused(jid, wrong);
  LoginLimits& limits = first.login_limits;
  limits.set_account_flow(static_cast<int>(shard.value(auth_account_failures)),
                          shard.value(auth_account_failures_time));
  if (limits.wait(account.text(), address, shard.core().now()) > 0s) co_return refused(jid, too_often);
  const auto record = co_await shard.server().store->accounts().get(account);
  if (!record) co_return record.failure();
  // An unknown name costs as much time as a known one.
  auto keys =
      decoy_keys(hash, shard.server().secret, account.text(), static_cast<std::int32_t>(shard.value(auth_iterations)));
  const bool is_known = *record && (*record)->keys[static_cast<std::size_t>(hash)];
  if (is_known) keys = *(*record)->keys[static_cast<std::size_t>(hash)];
  const auto fits = co_await shard.server().workers->run(address, [=] { return password_fits(hash, *prepared, keys); });
  if (!fits) co_return Failure{"The server is busy; try again."};
  const Steady now = shard.core().now();
  // Many tries begun at once do not pass together.
  if (limits.wait(account.text(), address, now) > 0s) co_return refused(jid, too_often);
  if (!*fits || !is_known) {
    limits.failed(account.text(), address, now);
    co_return refused(jid, wrong);
  }
  if ((*record)->locked) co_return refused(jid, "The account is locked.");
  limits.succeeded(account.text(), address, now);
  co_return account;
}

}  // namespace jackdaw
