// SPDX-License-Identifier: Apache-2.0
#include "router/provision.h"

#include <array>
#include <functional>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "net/workers.h"
#include "router/aliases.h"
#include "router/reversible.h"
#include "router/run_at.h"
#include "router/strangers.h"

namespace jackdaw {
namespace {

constexpr std::size_t salt_size = 16;

using Keys = std::array<std::optional<ScramKeys>, 3>;

const Log& provision_log() {
  static const Log log{"ACCOUNTS"};
  return log;
}

// A bug in here is told to the caller like a failure of the world: an administrator's request must be answered too.
Task<Provisioned> guarded(Shard& home, std::function<Task<Provisioned>()> work) {
  try {
    co_return co_await run_at<Provisioned>(home, std::move(work));
  } catch (const std::exception& bug) {
    provision_log().crash("an account could not be changed", {{"why", bug.what()}});
  }
  co_return Provisioned::failed;
}

// All hashes at once on a worker. Empty: too much is queued there.
Task<std::optional<Keys>> derive_all(Shard& shard, std::string prepared, std::string share) {
  Server& server = shard.server();
  const auto iterations = static_cast<std::int32_t>(shard.value(auth_iterations));
  co_return co_await server.workers->run(std::move(share), [derive = server.derive_keys, prepared, iterations] {
    Keys keys;
    for (Hash hash : all_hashes)
      keys[static_cast<std::size_t>(hash)] = derive(hash, prepared, random_bytes(salt_size), iterations);
    return keys;
  });
}

// RFC 8265 §4.2.3: an empty password is none.
std::optional<std::string> usable_password(std::string_view text) {
  auto prepared = prepare_password(text);
  if (prepared && prepared->empty()) prepared.reset();
  return prepared;
}

// Whether the name is free, before the keys are derived. The store has the last word.
Task<Provisioned> check_name(Shard& shard, const Domain& domain, const NewAccount& wanted) {
  if (domain.value(account_refuse_lookalikes) && !is_single_script(wanted.jid.localpart()))
    co_return Provisioned::mixed_scripts;
  if (wanted.jid.localpart().starts_with(temporary_prefix)) co_return Provisioned::bad_name;
  AccountStore& accounts = shard.server().store->accounts();
  const auto there = co_await accounts.get(wanted.jid);
  if (!there) co_return Provisioned::failed;
  if (there->has_value() || !shard.aliases().find(wanted.jid.text()).empty()) co_return Provisioned::exists;
  if (wanted.tombstone == Tombstone::ignore) co_return Provisioned::done;
  const auto removed = co_await accounts.removed_at(wanted.jid);
  if (!removed) co_return Provisioned::failed;
  const bool resting = removed->has_value() && domain.now() - **removed < domain.value(registration_name_rest);
  co_return resting ? Provisioned::removed_recently : Provisioned::done;
}

Provisioned outcome_of(const Result<Created>& created) {
  if (!created) return Provisioned::failed;
  switch (*created) {
    case Created::created:
      return Provisioned::done;
    case Created::exists:
      return Provisioned::exists;
    case Created::looks_alike:
      return Provisioned::looks_alike;
  }
  return Provisioned::failed;
}

// Why there is no awake account: it does not exist, or the store failed.
Task<Provisioned> why_not_awake(Shard& home, BareJid jid) {
  const auto record = co_await home.server().store->accounts().get(std::move(jid));
  co_return record.ok() && !record->has_value() ? Provisioned::not_there : Provisioned::failed;
}

// One change of an account's record at a time: a second one waits for the first, so that neither is lost.
class Amending {
 public:
  explicit Amending(std::shared_ptr<Account> account) : account_(std::move(account)) {}
  ~Amending() {
    account_->amending = false;
    for (auto& told : std::exchange(account_->on_awake, {})) told();
  }

 private:
  std::shared_ptr<Account> account_;
};

Task<Provisioned> amend(Shard& home, BareJid jid, std::function<void(AccountRecord&)> change) {
  Account* account = co_await home.router().wake(jid);
  if (!account) co_return co_await why_not_awake(home, jid);
  const auto held = account->hold();
  while (held->amending) {
    Later<bool> over;
    held->on_awake.push_back([&over] { over.set(true); });
    co_await over;
  }
  held->amending = true;
  const Amending one{held};
  AccountStore& accounts = home.server().store->accounts();
  auto record = co_await accounts.get(jid);
  if (!record) co_return Provisioned::failed;
  if (!*record) co_return Provisioned::not_there;
  change(**record);
  const auto stored = co_await accounts.update(**record);
  if (!stored) co_return Provisioned::failed;
  if (!*stored) co_return Provisioned::not_there;
  home.router().refresh(jid, **record);
  co_return Provisioned::done;
}

Task<Provisioned> store_keys(Shard& home, BareJid jid, Keys keys, const Session* but) {
  const auto outcome = co_await amend(home, jid, [&keys](AccountRecord& record) { record.keys = keys; });
  if (outcome != Provisioned::done) co_return outcome;
  home.router().end_sessions(jid, {StreamCondition::not_authorized, "The password was changed."}, but);
  co_return outcome;
}

Task<Provisioned> store_rights(Shard& home, BareJid jid, std::string rights) {
  co_return co_await amend(home, std::move(jid), [&rights](AccountRecord& record) { record.rights = rights; });
}

Task<Provisioned> store_lock(Shard& home, BareJid jid, bool locked) {
  const auto outcome = co_await amend(home, jid, [locked](AccountRecord& record) { record.locked = locked; });
  if (outcome == Provisioned::done && locked)
    home.router().end_sessions(jid, {StreamCondition::not_authorized, "The account is locked."});
  co_return outcome;
}

// XEP-0077 §3.2: the server returns a not-authorized stream error. Detached first, so that contacts are told while the
// account is still known.
void dismiss(Router& router, const std::shared_ptr<Account>& account) {
  while (!account->resources().empty()) {
    const SessionRef session = account->resources().back().session;
    router.detach(session, {});
    session->end({StreamCondition::not_authorized, "The account was removed."});
  }
  router.forget(account->jid());
}

Task<Provisioned> remove_at_home(Shard& home, BareJid jid) {
  Account* account = co_await home.router().wake(jid);
  if (!account) co_return co_await why_not_awake(home, jid);
  if (account->is_temporary) co_return Provisioned::not_there;
  const auto held = account->hold();
  if (Domain* domain = home.domain(jid.domainpart()))
    for (const auto& told : domain->removal_watchers()) co_await told(jid);
  // Whoever has the account in hand must store nothing for it from now on; nobody binds to what is locked.
  const bool was_locked = std::exchange(held->locked, true);
  held->removed = true;
  const auto removed = co_await home.server().store->accounts().remove(jid, home.core().wall());
  if (!removed || !*removed) {
    held->removed = false;
    held->locked = was_locked;
    co_return removed ? Provisioned::not_there : Provisioned::failed;
  }
  home.core().later([&home, held] { dismiss(home.router(), held); });
  co_return Provisioned::done;
}

}  // namespace

std::string_view text_of(Provisioned outcome) {
  switch (outcome) {
    case Provisioned::done:
      return "It is done.";
    case Provisioned::exists:
      return "An account of this name exists already.";
    case Provisioned::looks_alike:
      return "The name looks too much like that of another account.";
    case Provisioned::mixed_scripts:
      return "The name mixes letters of different scripts.";
    case Provisioned::removed_recently:
      return "An account of this name was removed; the name is not given again yet.";
    case Provisioned::not_there:
      return "There is no such account.";
    case Provisioned::bad_name:
      return "That is no valid account name.";
    case Provisioned::bad_password:
      return "The password is empty or has characters that a password may not have.";
    case Provisioned::busy:
      return "The server is busy; try again later.";
    case Provisioned::failed:
      return "The server could not store it; its log says why.";
    case Provisioned::no_such_domain:
      return "This server does not serve that domain.";
  }
  return {};
}

Task<Provisioned> create_account(Shard& shard, NewAccount wanted) {
  Domain* domain = shard.domain(wanted.jid.domainpart());
  if (!domain) co_return Provisioned::no_such_domain;
  if (!wanted.jid.has_localpart()) co_return Provisioned::bad_name;
  auto password = usable_password(wanted.password);
  if (!password) co_return Provisioned::bad_password;
  const bool unique = domain->value(account_refuse_lookalikes);
  if (const auto free = co_await check_name(shard, *domain, wanted); free != Provisioned::done) co_return free;
  auto keys = co_await derive_all(shard, *password, wanted.share);
  if (!keys) co_return Provisioned::busy;
  const std::string binding = binding_of(*keys);
  AccountRecord record{.jid = wanted.jid,
                       .keys = std::move(*keys),
                       .rights = wanted.rights,
                       .created = shard.core().wall(),
                       .skeleton = skeleton_of(wanted.jid.localpart())};
  const auto outcome = outcome_of(co_await shard.server().store->accounts().create(std::move(record), unique));
  if (outcome != Provisioned::done) co_return outcome;
  // Whoever makes the alias and the account of one name at the same time looks for the other behind its own.
  if (const auto alias = co_await shard.server().store->map(alias_map).get({}, wanted.jid.text()); alias && *alias) {
    co_await shard.server().store->accounts().remove(wanted.jid, shard.core().wall());
    co_return Provisioned::exists;
  }
  provision_log().major("account created", {{"jid", wanted.jid.text()}});
  if (keeps_passwords(shard, wanted.jid.domainpart()))
    co_await keep_password(shard, {wanted.jid, std::move(*password), binding, wanted.share});
  co_return outcome;
}

Task<Provisioned> change_password(Shard& shard, BareJid jid, std::string password, const Session* but,
                                  std::string share) {
  auto prepared = usable_password(password);
  if (!prepared) co_return Provisioned::bad_password;
  auto keys = co_await derive_all(shard, *prepared, share);
  if (!keys) co_return Provisioned::busy;
  const std::string binding = binding_of(*keys);
  Shard& home = shard.server().home(jid.text());
  const auto outcome =
      co_await guarded(home, [&home, &jid, &keys, but] { return store_keys(home, jid, std::move(*keys), but); });
  if (outcome != Provisioned::done) co_return outcome;
  provision_log().major("password changed", {{"jid", jid.text()}});
  if (keeps_passwords(shard, jid.domainpart()))
    co_await keep_password(shard, {jid, std::move(*prepared), binding, std::move(share)});
  else if (shard.server().passwords)
    co_await forget_password(shard, jid);
  co_return outcome;
}

Task<Provisioned> set_locked(Shard& shard, BareJid jid, bool locked) {
  Shard& home = shard.server().home(jid.text());
  const auto outcome = co_await guarded(home, [&home, &jid, locked] { return store_lock(home, jid, locked); });
  if (outcome == Provisioned::done)
    provision_log().major(locked ? "account locked" : "account unlocked", {{"jid", jid.text()}});
  co_return outcome;
}

Task<Provisioned> set_rights(Shard& shard, BareJid jid, std::string rights) {
  Shard& home = shard.server().home(jid.text());
  const auto outcome = co_await guarded(home, [&home, &jid, &rights] { return store_rights(home, jid, rights); });
  if (outcome == Provisioned::done)
    provision_log().major("rights changed", {{"jid", jid.text()}, {"rights", rights.empty() ? "none" : rights}});
  co_return outcome;
}

Task<Provisioned> remove_account(Shard& shard, BareJid jid) {
  Shard& home = shard.server().home(jid.text());
  // First: behind the removal nothing waits, as its sessions end in the same turn.
  co_await remove_aliases_of(shard, jid);
  co_await forget_stranger_rule(shard, jid);
  const auto outcome = co_await guarded(home, [&home, &jid] { return remove_at_home(home, jid); });
  if (outcome != Provisioned::done) co_return outcome;
  provision_log().major("account removed", {{"jid", jid.text()}});
  co_return outcome;
}

}  // namespace jackdaw
