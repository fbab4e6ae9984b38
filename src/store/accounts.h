// Accounts as the store keeps them: who exists, and what proves it.
//
// Errors and threads as in store/store.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "stanza/jid.h"

namespace jackdaw {

enum class Hash { sha1, sha256, sha512 };
constexpr std::array<Hash, 3> all_hashes{Hash::sha1, Hash::sha256, Hash::sha512};

// What SCRAM keeps of a password (RFC 5802 §3): enough to check it, not to use it elsewhere.
struct ScramKeys {
  std::string salt;
  std::int32_t iterations = 0;
  std::string stored_key;
  std::string server_key;
  friend bool operator==(const ScramKeys&, const ScramKeys&) = default;
};

// Tells keys of a password from others (router/reversible.h, mark_of()).
using KeysMark = std::size_t;
constexpr KeysMark no_keys = 0;

struct AccountRecord {
  BareJid jid;
  std::array<std::optional<ScramKeys>, 3> keys;  // indexed by Hash
  bool locked = false;
  std::string rights;  // what it may do as an administrator (router/rights.h); empty: nothing
  TimePoint created{};
  std::string skeleton;  // UTS 39 skeleton of the localpart (stanza/jid.h)
  friend bool operator==(const AccountRecord&, const AccountRecord&) = default;
};

enum class Created { created, exists, looks_alike };

class AccountStore {
 public:
  virtual ~AccountStore() = default;

  virtual Task<Result<std::optional<AccountRecord>>> get(BareJid jid) = 0;
  // That account, or when there is none the one behind it in the order of JIDs (of any domain), or the last one; empty:
  // there are no accounts at all. For log-ins: a name that nobody has costs the same work as an account.
  virtual Task<Result<std::optional<AccountRecord>>> get_or_neighbour(BareJid jid) = 0;
  // Atomic: `exists` when the account is there; `looks_alike` when `unique_skeleton` and another account of the
  // same domain has the same skeleton.
  virtual Task<Result<Created>> create(AccountRecord record, bool unique_skeleton) = 0;
  // Replaces an account's record; false when there is none.
  virtual Task<Result<bool>> update(AccountRecord record) = 0;
  // Removes the account and everything it owns in maps and archives, in one transaction, and notes `when` under its
  // name; false when there is none.
  virtual Task<Result<bool>> remove(BareJid jid, TimePoint when) = 0;
  // When an account of this name was last removed.
  virtual Task<Result<std::optional<TimePoint>>> removed_at(BareJid jid) = 0;
  // Accounts of `domain` in order of their JIDs, beginning behind `after`.
  virtual Task<Result<std::vector<AccountRecord>>> list(std::string domain, std::string after, std::int64_t limit) = 0;
  // Those that have rights, in order of their JIDs; at most 10,000.
  virtual Task<Result<std::vector<AccountRecord>>> administrators() = 0;
  static constexpr std::int64_t most_administrators = 10'000;
};

}  // namespace jackdaw
