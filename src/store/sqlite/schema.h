// The tables, and how a database of an older version gets them. Begin at bring_up_to_date().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace jackdaw {

// Statements that bring a database from one version to the next.
using SchemaStep = std::vector<std::string_view>;
// The n-th step leads to version n. A step that was released never changes; a new version is a new step.
const std::vector<SchemaStep>& schema_steps();

// 0 for an empty database. Failure: unreadable, or another program's.
Result<std::int64_t> schema_version(Connection& database);
// Failure when `version` is newer than what this server knows.
Result<Done> known_version(const Connection& database, std::int64_t version, const std::vector<SchemaStep>& steps);
// Failure when a table, a column or an index of that version is missing.
Result<Done> whole_schema(Connection& database, std::int64_t version, const std::vector<SchemaStep>& steps);
// Each step in one transaction: an interrupted one is done again at the next start.
Result<Done> bring_up_to_date(Connection& database, const std::vector<SchemaStep>& steps = schema_steps());

}  // namespace jackdaw
