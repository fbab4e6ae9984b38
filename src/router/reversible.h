// Passwords kept so that they can be read again, in domains that want it (auth.reversible_passwords).
//
// In the store's map "passwords", encrypted (password_safe.h). Any core.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "router/shard.h"
#include "settings/setting.h"
#include "store/accounts.h"

namespace jackdaw {

// Its row stands in the list of stream/stream_settings.h.
constexpr Setting<bool> auth_reversible_passwords{
    .name = "auth.reversible_passwords",
    .fallback = false,
    .scope = Scope::domain,
    .help =
        "Keep passwords so that the server can read them (encrypted with the key in password.key): CRAM-MD5, "
        "DIGEST-MD5 and digests of XEP-0078 need that. Whoever gets the store and the key has them all."};

bool keeps_passwords(Shard& shard, std::string_view domain);

// A kept password opens only beside the keys that were made of it: whatever crosses a change of the password, or
// outlives the account, opens nothing.
std::string binding_of(const std::array<std::optional<ScramKeys>, 3>& keys);
inline KeysMark mark_of(const std::array<std::optional<ScramKeys>, 3>& keys) {
  const std::string binding = binding_of(keys);
  return binding.empty() ? no_keys : std::hash<std::string>{}(binding);
}

struct KeptPassword {
  BareJid account;
  std::string prepared;
  std::string binding;  // of the keys that were made of it
  std::string share;    // whose share of the workers it takes
};
// Replaces what is kept. A failure is logged: methods that need the password refuse the account then.
Task<void> keep_password(Shard& shard, KeptPassword password);
// Keeps it unless one is kept that opens.
Task<void> learn_password(Shard& shard, KeptPassword password);
// None, or one that does not open, takes as long as one that does. Failure (and a line in the log): not known now.
Task<Result<std::optional<std::string>>> kept_password(Shard& shard, BareJid account, std::string binding,
                                                       std::string share);
// In a domain that keeps none any more.
Task<void> forget_password(Shard& shard, BareJid account);

}  // namespace jackdaw
