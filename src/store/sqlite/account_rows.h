// Accounts as rows. Transactions and errors as in items.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "store/accounts.h"
#include "store/sqlite/connection.h"

namespace jackdaw {

std::optional<AccountRecord> account_record(Connection& database, std::string_view jid);
std::optional<AccountRecord> account_or_neighbour(Connection& database, std::string_view jid);
Created create_account(Connection& database, const AccountRecord& record, bool unique_skeleton);
bool update_account(Connection& database, const AccountRecord& record);
bool remove_account(Connection& database, std::string_view jid, TimePoint when);
std::vector<AccountRecord> accounts_with_rights(Connection& database, std::int64_t limit);
std::optional<TimePoint> account_removed_at(Connection& database, std::string_view jid);
void note_removed_name(Connection& database, std::string_view jid, TimePoint when);
std::vector<AccountRecord> list_accounts(Connection& database, std::string_view domain, std::string_view after,
                                         std::int64_t limit);

}  // namespace jackdaw
