// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/turns.h"

#include "base/metrics.h"

namespace jackdaw {
namespace {

const Metric writes{"jackdaw_store_writes", "Write requests that the database took on."};
const Metric commits{"jackdaw_store_commits", "Transactions committed and synced; each holds all writes that waited."};

// Requests of one group, and which of them the transaction at hand holds.
class Transaction {
 public:
  Transaction(Connection& database, Requests& group, FailureLog& log) : database_(database), group_(group), log_(log) {}

  // Runs and commits requests from `first` on; returns the first that is not dealt with. Only an error that makes
  // SQLite undo the whole transaction ends it early.
  std::size_t run_from(std::size_t first) {
    good_.clear();
    if (!database_.run("BEGIN IMMEDIATE")) return lose(first, group_.size());
    for (std::size_t i = first; i < group_.size(); ++i) {
      if (!run_one(i)) return lose(first, i + 1);
    }
    if (!database_.run("COMMIT")) return lose(first, group_.size());
    commits.add();
    return group_.size();
  }

 private:
  // False when the whole transaction is lost.
  bool run_one(std::size_t i) {
    if (database_.run("SAVEPOINT request")) group_[i]->run(database_);
    if (database_.run("RELEASE request")) {
      good_.push_back(i);
      return true;
    }
    if (!database_.in_transaction()) return false;
    const Failure why = database_.take_failure();
    if (!database_.run("ROLLBACK TO request") || !database_.run("RELEASE request")) return false;
    group_[i]->fail(why);
    log_.note(why);
    return true;
  }

  // What the transaction held up to `end` was not stored.
  std::size_t lose(std::size_t first, std::size_t end) {
    const Failure why = database_.take_failure();
    if (database_.in_transaction() && !database_.run("ROLLBACK")) log_.note(database_.take_failure());
    for (const std::size_t i : good_) group_[i]->fail(why);
    // Those that failed by themselves before keep their own reason, unless they are the one that ended it all.
    for (std::size_t i = good_.empty() ? first : good_.back() + 1; i < end; ++i) group_[i]->fail(why);
    log_.note(why);
    return end;
  }

  Connection& database_;
  Requests& group_;
  FailureLog& log_;
  std::vector<std::size_t> good_;
};

}  // namespace

void write_group(Connection& database, Requests& group, FailureLog& log) {
  writes.add(static_cast<std::int64_t>(group.size()));
  Transaction transaction{database, group, log};
  for (std::size_t next = 0; next < group.size();) next = transaction.run_from(next);
}

void read_group(Connection& database, Requests& group, FailureLog& log) {
  for (auto& request : group) {
    request->run(database);
    if (!database.failed()) continue;
    const Failure why = database.take_failure();
    request->fail(why);
    log.note(why);
  }
}

}  // namespace jackdaw
