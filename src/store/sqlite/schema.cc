// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/schema.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <memory>

namespace jackdaw {
namespace {

constexpr std::string_view map_entries =
    "CREATE TABLE map_entries(map TEXT NOT NULL, owner TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(map, owner, key)) STRICT, WITHOUT ROWID";
constexpr std::string_view archive_items =
    "CREATE TABLE archive_items(archive TEXT NOT NULL, owner TEXT NOT NULL, id BLOB NOT NULL,"
    " at INTEGER NOT NULL, bytes INTEGER NOT NULL, xml BLOB NOT NULL,"
    " PRIMARY KEY(archive, owner, id)) STRICT, WITHOUT ROWID";
// Times and sizes without the stanzas: for searches by time, and for size().
constexpr std::string_view archive_by_time = "CREATE INDEX archive_by_time ON archive_items(archive, owner, at, bytes)";
constexpr std::string_view accounts =
    "CREATE TABLE accounts(jid TEXT NOT NULL PRIMARY KEY, domain TEXT NOT NULL, locked INTEGER NOT NULL,"
    " admin INTEGER NOT NULL, created INTEGER NOT NULL, skeleton TEXT NOT NULL) STRICT, WITHOUT ROWID";
constexpr std::string_view accounts_by_domain = "CREATE INDEX accounts_by_domain ON accounts(domain, jid)";
constexpr std::string_view accounts_by_skeleton = "CREATE INDEX accounts_by_skeleton ON accounts(domain, skeleton)";
constexpr std::string_view accounts_with_rights = "CREATE INDEX accounts_with_rights ON accounts(jid) WHERE rights<>''";
constexpr std::string_view account_keys =
    "CREATE TABLE account_keys(jid TEXT NOT NULL REFERENCES accounts(jid) ON DELETE CASCADE,"
    " hash TEXT NOT NULL, salt BLOB NOT NULL, iterations INTEGER NOT NULL, stored_key BLOB NOT NULL,"
    " server_key BLOB NOT NULL, PRIMARY KEY(jid, hash)) STRICT, WITHOUT ROWID";
constexpr std::string_view removed_names =
    "CREATE TABLE removed_names(jid TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID";

bool run_all(Connection& database, const SchemaStep& step, std::int64_t version) {
  database.run("BEGIN IMMEDIATE");
  for (const auto statement : step) database.run(statement);
  database.query("UPDATE jackdaw_schema SET version=?").integer(version).step();
  return database.run("COMMIT");
}

// What a database consists of, a line each.
constexpr std::string_view parts_of_schema =
    "SELECT 'column ' || m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
    " WHERE m.type='table' AND m.name NOT LIKE 'sqlite_%'"
    " UNION ALL SELECT 'index ' || name FROM sqlite_schema WHERE type='index' AND name NOT LIKE 'sqlite_%'";

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};

// The parts that the steps up to `version` make, in a database that lives for this call.
std::vector<std::string> parts_made_by(const std::vector<SchemaStep>& steps, std::int64_t version) {
  sqlite3* opened = nullptr;
  sqlite3_open(":memory:", &opened);
  const std::unique_ptr<sqlite3, CloseDatabase> model{opened};
  for (std::int64_t i = 0; i < version; ++i)
    for (const auto statement : steps[static_cast<std::size_t>(i)])
      sqlite3_exec(model.get(), std::string{statement}.c_str(), nullptr, nullptr, nullptr);
  std::vector<std::string> parts;
  const auto keep = [](void* to, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
    return 0;
  };
  sqlite3_exec(model.get(), std::string{parts_of_schema}.c_str(), keep, &parts, nullptr);
  return parts;
}

}  // namespace

const std::vector<SchemaStep>& schema_steps() {
  static const std::vector<SchemaStep> steps{
      {"CREATE TABLE jackdaw_schema(version INTEGER NOT NULL) STRICT", "INSERT INTO jackdaw_schema(version) VALUES(0)",
       map_entries, archive_items, archive_by_time, accounts, accounts_by_domain, accounts_by_skeleton, account_keys,
       removed_names},
      {"ALTER TABLE accounts ADD COLUMN rights TEXT NOT NULL DEFAULT ''",
       "UPDATE accounts SET rights='all' WHERE admin<>0", "ALTER TABLE accounts DROP COLUMN admin",
       accounts_with_rights},
  };
  return steps;
}

Result<std::int64_t> schema_version(Connection& database) {
  std::int64_t version = 0;
  bool ours = false;
  bool others = false;
  {
    Query tables = database.query("SELECT name='jackdaw_schema' FROM sqlite_schema WHERE type='table'");
    while (tables.step()) (tables.integer_at(0) ? ours : others) = true;
  }
  if (ours) {
    Query row = database.query("SELECT version FROM jackdaw_schema");
    if (row.step()) version = row.integer_at(0);
  }
  if (database.failed()) return database.take_failure();
  if (others && version < 1) {
    return Failure{database.file() + ": this is another program's database; move it away, or restore a backup"};
  }
  return version;
}

Result<Done> known_version(const Connection& database, std::int64_t version, const std::vector<SchemaStep>& steps) {
  if (version <= static_cast<std::int64_t>(steps.size())) return Done{};
  return Failure{
      fmt::format("{}: written by a newer server (database version {}, this server knows up to {}); install "
                  "that server again, or restore a backup of the older one",
                  database.file(), version, steps.size())};
}

Result<Done> whole_schema(Connection& database, std::int64_t version, const std::vector<SchemaStep>& steps) {
  std::vector<std::string> there;
  {
    Query parts = database.query(parts_of_schema);
    while (parts.step()) there.push_back(parts.bytes_at(0));
  }
  if (database.failed()) return database.take_failure();
  for (const auto& part : parts_made_by(steps, version))
    if (std::ranges::find(there, part) == there.end())
      return Failure{database.file() + ": is not whole: the " + part + " is missing; restore a backup that has it"};
  return Done{};
}

Result<Done> bring_up_to_date(Connection& database, const std::vector<SchemaStep>& steps) {
  auto version = schema_version(database);
  if (!version) return version.failure();
  if (auto known = known_version(database, *version, steps); !known) return known;
  for (auto next = static_cast<std::size_t>(*version); next < steps.size(); ++next) {
    if (run_all(database, steps[next], static_cast<std::int64_t>(next) + 1)) continue;
    Failure why = database.take_failure();
    if (database.in_transaction()) database.run("ROLLBACK");
    return why;
  }
  return whole_schema(database, static_cast<std::int64_t>(steps.size()), steps);
}

}  // namespace jackdaw
