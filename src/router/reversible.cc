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
  log.failure("a password cannot be kept", {{"account", account.text()}, {"why", why.what}});
}

}  // namespace

bool keeps_passwords(Shard& shard, std::string_view domain) {
  Domain* const served = shard.domain(domain);
  return served && shard.server().passwords && served->value(auth_reversible_passwords);
}

Task<void> keep_password(Shard& shard, BareJid account, std::optional<std::string> prepared, std::string share) {
  std::optional<std::string> sealed;
  if (prepared && keeps_passwords(shard, account.domainpart())) {
    PasswordSafe& safe = *shard.server().passwords;
    auto closed = co_await shard.server().workers->run(
        std::move(share), [&safe, &account, &prepared] { return safe.seal(account, *prepared); });
    if (!closed) co_return tell(account, Failure{"too much is to be done at present"});
    if (!*closed) co_return tell(account, closed->failure());
    sealed = std::move(**closed);
  }
  const auto stored = co_await passwords(shard).set(account, key_of_map, std::move(sealed));
  if (!stored) tell(account, stored.failure());
}

Task<void> learn_password(Shard& shard, BareJid account, std::string prepared, std::string share) {
  const auto kept = co_await passwords(shard).get(account, key_of_map);
  if (kept && !*kept) co_await keep_password(shard, account, std::move(prepared), std::move(share));
}

Task<std::optional<std::string>> kept_password(Shard& shard, BareJid account, std::string share) {
  if (!shard.server().passwords) co_return std::nullopt;
  const auto sealed = co_await passwords(shard).get(account, key_of_map);
  if (!sealed || !*sealed) co_return std::nullopt;
  PasswordSafe& safe = *shard.server().passwords;
  auto opened = co_await shard.server().workers->run(
      std::move(share), [&safe, &account, text = **sealed] { return safe.open(account, text); });
  co_return opened ? std::move(*opened) : std::nullopt;
}

}  // namespace jackdaw
