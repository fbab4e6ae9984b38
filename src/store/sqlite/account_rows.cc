// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/account_rows.h"

#include "store/sqlite/items.h"

namespace jackdaw {
namespace {

// As IANA's list of hash functions names them; the order is Hash's.
constexpr std::array<std::string_view, 3> hash_names{"sha-1", "sha-256", "sha-512"};

TimePoint time_of(std::int64_t microseconds) { return TimePoint{std::chrono::microseconds{microseconds}}; }

// One account is as many rows as it has keys, or one; the columns are those of account_record() and list_accounts().
std::vector<AccountRecord> records_of(Query& row) {
  std::vector<AccountRecord> records;
  while (row.step()) {
    const std::string jid = row.bytes_at(0);
    if (records.empty() || records.back().jid.text() != jid) {
      auto& record = records.emplace_back();
      record.jid = BareJid{JidView::of_prepared(jid)};
      record.locked = row.integer_at(1) != 0;
      record.rights = row.bytes_at(2);
      record.created = time_of(row.integer_at(3));
      record.skeleton = row.bytes_at(4);
    }
    const auto name = std::find(hash_names.begin(), hash_names.end(), row.bytes_at(5));
    if (name == hash_names.end()) continue;
    records.back().keys[static_cast<std::size_t>(name - hash_names.begin())] =
        ScramKeys{.salt = row.bytes_at(6),
                  .iterations = static_cast<std::int32_t>(row.integer_at(7)),
                  .stored_key = row.bytes_at(8),
                  .server_key = row.bytes_at(9)};
  }
  return records;
}

void insert_keys(Connection& database, const AccountRecord& record) {
  for (std::size_t hash = 0; hash < hash_names.size(); ++hash) {
    const auto& keys = record.keys[hash];
    if (!keys) continue;
    Query row = database.query(
        "INSERT INTO account_keys(jid, hash, salt, iterations, stored_key, server_key) VALUES(?, ?, ?, ?, ?, ?)");
    row.text(record.jid.text()).text(hash_names[hash]).bytes(keys->salt).integer(keys->iterations);
    row.bytes(keys->stored_key).bytes(keys->server_key).step();
  }
}

bool account_exists(Connection& database, std::string_view jid) {
  Query row = database.query("SELECT 1 FROM accounts WHERE jid=?");
  return row.text(jid).step();
}

bool skeleton_taken(Connection& database, const AccountRecord& record) {
  Query row = database.query("SELECT 1 FROM accounts WHERE domain=? AND skeleton=? LIMIT 1");
  return row.text(record.jid.domainpart()).text(record.skeleton).step();
}

}  // namespace

std::optional<AccountRecord> account_record(Connection& database, std::string_view jid) {
  Query row = database.query(
      "SELECT a.jid, a.locked, a.rights, a.created, a.skeleton, k.hash, k.salt, k.iterations, k.stored_key,"
      " k.server_key FROM accounts a LEFT JOIN account_keys k ON k.jid=a.jid WHERE a.jid=?");
  auto records = records_of(row.text(jid));
  if (records.empty()) return std::nullopt;
  return std::move(records.front());
}

std::optional<AccountRecord> account_or_neighbour(Connection& database, std::string_view jid) {
  Query at_or_behind = database.query(
      "SELECT a.jid, a.locked, a.rights, a.created, a.skeleton, k.hash, k.salt, k.iterations, k.stored_key,"
      " k.server_key FROM (SELECT * FROM accounts WHERE jid>=? ORDER BY jid LIMIT 1) a"
      " LEFT JOIN account_keys k ON k.jid=a.jid");
  auto records = records_of(at_or_behind.text(jid));
  if (!records.empty()) return std::move(records.front());
  Query last = database.query(
      "SELECT a.jid, a.locked, a.rights, a.created, a.skeleton, k.hash, k.salt, k.iterations, k.stored_key,"
      " k.server_key FROM (SELECT * FROM accounts ORDER BY jid DESC LIMIT 1) a"
      " LEFT JOIN account_keys k ON k.jid=a.jid");
  records = records_of(last);
  if (records.empty()) return std::nullopt;
  return std::move(records.front());
}

Created create_account(Connection& database, const AccountRecord& record, bool unique_skeleton) {
  if (account_exists(database, record.jid.text())) return Created::exists;
  if (unique_skeleton && skeleton_taken(database, record)) return Created::looks_alike;
  Query row =
      database.query("INSERT INTO accounts(jid, domain, locked, rights, created, skeleton) VALUES(?, ?, ?, ?, ?, ?)");
  row.text(record.jid.text()).text(record.jid.domainpart()).integer(record.locked).text(record.rights);
  row.integer(record.created.time_since_epoch().count()).text(record.skeleton).step();
  insert_keys(database, record);
  return Created::created;
}

bool update_account(Connection& database, const AccountRecord& record) {
  Query row = database.query("UPDATE accounts SET locked=?, rights=?, created=?, skeleton=? WHERE jid=?");
  row.integer(record.locked).text(record.rights).integer(record.created.time_since_epoch().count());
  row.text(record.skeleton).text(record.jid.text()).step();
  if (database.changes() == 0) return false;
  Query old = database.query("DELETE FROM account_keys WHERE jid=?");
  old.text(record.jid.text()).step();
  insert_keys(database, record);
  return true;
}

bool remove_account(Connection& database, std::string_view jid, TimePoint when) {
  Query row = database.query("DELETE FROM accounts WHERE jid=?");
  row.text(jid).step();
  if (database.changes() == 0) return false;
  erase_all_of(database, jid);
  note_removed_name(database, jid, when);
  return true;
}

std::optional<TimePoint> account_removed_at(Connection& database, std::string_view jid) {
  Query row = database.query("SELECT at FROM removed_names WHERE jid=?");
  if (!row.text(jid).step()) return std::nullopt;
  return time_of(row.integer_at(0));
}

void note_removed_name(Connection& database, std::string_view jid, TimePoint when) {
  Query row = database.query("INSERT OR REPLACE INTO removed_names(jid, at) VALUES(?, ?)");
  row.text(jid).integer(when.time_since_epoch().count()).step();
}

std::vector<AccountRecord> accounts_with_rights(Connection& database, std::int64_t limit) {
  Query row = database.query(
      "SELECT a.jid, a.locked, a.rights, a.created, a.skeleton, k.hash, k.salt, k.iterations, k.stored_key,"
      " k.server_key FROM (SELECT * FROM accounts WHERE rights<>'' ORDER BY jid LIMIT ?) a"
      " LEFT JOIN account_keys k ON k.jid=a.jid ORDER BY a.jid");
  row.integer(limit);
  return records_of(row);
}

std::vector<AccountRecord> list_accounts(Connection& database, std::string_view domain, std::string_view after,
                                         std::int64_t limit) {
  Query row = database.query(
      "SELECT a.jid, a.locked, a.rights, a.created, a.skeleton, k.hash, k.salt, k.iterations, k.stored_key,"
      " k.server_key FROM (SELECT * FROM accounts WHERE domain=? AND jid>? ORDER BY jid LIMIT ?) a"
      " LEFT JOIN account_keys k ON k.jid=a.jid ORDER BY a.jid");
  row.text(domain).text(after).integer(limit > 0 ? limit : -1);
  return records_of(row);
}

}  // namespace jackdaw
