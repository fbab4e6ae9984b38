// SPDX-License-Identifier: Apache-2.0
#include "router/reversible.h"

#include "net/workers.h"
#include "router/password_safe.h"

namespace jackdaw {
namespace {

constexpr auto key_of_map = "password";

MapStore& passwords(Shard& shard) { return shard.server().store->map("passwords"); }

void tell(const BareJid& account, const Failure& why) {
  static const Log log{"ACCOUNTS"};
  log.failure("a kept password cannot be used", {{"account", account.text()}, {"why", why.what}});
}

}  // namespace

bool keeps_passwords(Shard& shard, std::string_view domain) {
  Domain* const served = shard.domain(domain);
  return served && shard.server().passwords && served->value(auth_reversible_passwords);
}

std::string binding_of(const std::array<std::optional<ScramKeys>, 3>& keys) {
  std::string binding;
  for (const auto& each : keys)
    if (each) binding += each->stored_key;
  return binding;
}

Task<void> keep_password(Shard& shard, KeptPassword password) {
  PasswordSafe& safe = *shard.server().passwords;
  auto closed = co_await shard.server().workers->run(password.share, [&safe, &password] {
    return safe.seal(password.account.text() + '\n' + password.binding, password.prepared);
  });
  if (!closed) co_return tell(password.account, Failure{"too much is to be done at present"});
  if (!*closed) co_return tell(password.account, closed->failure());
  const auto stored = co_await passwords(shard).set(password.account, key_of_map, std::move(**closed));
  if (!stored) tell(password.account, stored.failure());
}

Task<void> learn_password(Shard& shard, KeptPassword password) {
  const auto kept = co_await kept_password(shard, password.account, password.binding, password.share);
  if (kept && *kept != password.prepared) co_await keep_password(shard, std::move(password));
}

Task<Result<std::optional<std::string>>> kept_password(Shard& shard, BareJid account, std::string binding,
                                                       std::string share) {
  static const std::string nothing(48, '\0');  // opens for nobody
  const auto sealed = co_await passwords(shard).get(account, key_of_map);
  if (!sealed) {
    tell(account, sealed.failure());
    co_return sealed.failure();
  }
  const std::string text = sealed->value_or(nothing);
  PasswordSafe& safe = *shard.server().passwords;
  auto opened = co_await shard.server().workers->run(
      std::move(share), [&safe, text, whose = account.text() + '\n' + binding] { return safe.open(whose, text); });
  if (!opened) co_return Failure{"too much is to be done at present"};
  if (!*opened) tell(account, opened->failure());
  co_return std::move(*opened);
}

Task<void> forget_password(Shard& shard, BareJid account) {
  const auto gone = co_await passwords(shard).set(account, key_of_map, std::nullopt);
  if (!gone) tell(account, gone.failure());
}

}  // namespace jackdaw
