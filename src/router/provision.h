// Accounts at run time: made, locked, given another password, removed; for registration and for administrators.
//
// Every function may be called on any core: what concerns an awake account happens on its home core. A failure leaves
// the account as it was, but for remove_account(): subscriptions may be cancelled and aliases gone by then.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/task.h"
#include "router/entity.h"
#include "router/shard.h"
#include "settings/setting.h"
#include "stanza/jid.h"

namespace jackdaw {

// Rows of these stand in the list of stream/stream_settings.h.
constexpr Setting<std::int64_t> auth_iterations{
    .name = "auth.iterations",
    .fallback = 10'000,
    .min = 4096,
    .max = 10'000'000,
    .help =
        "Rounds of key derivation for new passwords: more makes stolen keys harder to use and PLAIN log-ins slower."};
constexpr Setting<bool> account_refuse_lookalikes{
    .name = "account.refuse_lookalikes",
    .fallback = true,
    .scope = Scope::domain,
    .help = "Refuse a new account whose name mixes scripts or looks like an existing one (UTS 39)."};
constexpr Setting<Seconds> registration_name_rest{
    .name = "registration.name_rest",
    .fallback = std::chrono::hours{30 * 24},
    .min = 0s,
    .max = std::chrono::hours{10 * 365 * 24},
    .scope = Scope::domain,
    .help = "How long the name of a removed account is refused to sign-up, so that nobody gets another's mail."};

enum class Provisioned {
  done,
  exists,
  looks_alike,
  mixed_scripts,
  removed_recently,
  not_there,
  bad_name,
  bad_password,
  busy,
  failed,
  no_such_domain,
};
// One sentence for people.
std::string_view text_of(Provisioned outcome);

enum class Tombstone { respect, ignore };

struct NewAccount {
  BareJid jid;
  std::string password;                      // as a person wrote it
  std::string rights = {};                   // as an administrator
  Tombstone tombstone = Tombstone::respect;  // an administrator may give a removed account's name again
  std::string share = {};                    // whose share of the workers it takes: an address
};
Task<Provisioned> create_account(Shard& shard, NewAccount wanted);

// Ends all sessions of the account but the one that asked for it (null: all).
Task<Provisioned> change_password(Shard& shard, BareJid jid, std::string password, const Session* but,
                                  std::string share);

// Locking ends its sessions.
Task<Provisioned> set_locked(Shard& shard, BareJid jid, bool locked);

// What it may do as an administrator, as Rights::text() writes it.
Task<Provisioned> set_rights(Shard& shard, BareJid jid, std::string rights);

// Tells the contacts, removes everything stored. Sessions end later in the turn, so that one of them can still be
// answered (XEP-0077 §3.2).
Task<Provisioned> remove_account(Shard& shard, BareJid jid);

}  // namespace jackdaw
