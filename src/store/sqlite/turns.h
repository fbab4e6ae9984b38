// How a database thread serves what waits: writes share one transaction and one sync, reads go one by one.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/sqlite/diagnosis.h"
#include "store/sqlite/request.h"

namespace jackdaw {

using Requests = std::vector<std::unique_ptr<Request>>;

// All of `group` in one transaction. A request that fails by itself is undone alone; when the transaction fails, all in
// it get its Failure as their answer. When it returns, what did not fail is on the disk; finishing is the caller's.
void write_group(Connection& database, Requests& group, FailureLog& log);
void read_group(Connection& database, Requests& group, FailureLog& log);

}  // namespace jackdaw
