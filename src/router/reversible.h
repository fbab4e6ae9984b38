// Passwords kept so that they can be read again, in domains that want it (auth.reversible_passwords).
//
// In the store's map "passwords", encrypted (password_safe.h). Any core.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "router/shard.h"
#include "settings/setting.h"

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

// Replaces what is kept with `prepared`; without one, and in domains that keep none, nothing is kept from then on.
// `share` of the workers. A failure is logged: methods that need the password refuse the account then.
Task<void> keep_password(Shard& shard, BareJid account, std::optional<std::string> prepared, std::string share);
// Keeps it unless one is kept.
Task<void> learn_password(Shard& shard, BareJid account, std::string prepared, std::string share);
Task<std::optional<std::string>> kept_password(Shard& shard, BareJid account, std::string share);

}  // namespace jackdaw
