// Power cuts at random moments: whatever the store acknowledged is there afterwards, once, without repair. The same
// check finds the loss when the store does not sync. Begin at the tests, at the end.
// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "base/log.h"
#include "base/log_rules.h"
#include "store/sqlite/fault_vfs.h"
#include "store/sqlite/options.h"
#include "store/sqlite/schema.h"
#include "store/store_test_tools.h"

namespace jackdaw {
namespace {

// What one writer was told.
struct Told {
  BareJid owner;
  std::int64_t tried = 0;         // the last round begun
  std::int64_t acknowledged = 0;  // the last round of which the writer heard that it is stored
  std::int64_t erased = 0;        // rounds up to this one were erased, acknowledged
  std::int64_t erasing = 0;       // the same, asked for
};

std::string id_of(std::int64_t round) { return std::to_string(5'000'000 + round); }

// A round writes in each of the store's ways; all of it shows the round's number.
Task<bool> write_round(Store& store, Told& told, std::mt19937_64& chance) {
  const std::int64_t round = ++told.tried;
  Batch batch{told.owner};
  batch.set("counter", "round", std::to_string(round));
  batch.append("archive", {.id = id_of(round), .when = at(round), .xml = std::string(chance() % 3000, 'x')});
  if (!co_await store.write(std::move(batch))) co_return false;
  told.acknowledged = round;
  if (chance() % 8 != 0) co_return true;
  told.erasing = round - static_cast<std::int64_t>(chance() % 4);
  ArchiveQuery query{.upto_id = id_of(told.erasing), .limit = 0};
  if (!co_await store.archive("archive").erase(told.owner, std::move(query))) co_return false;
  told.erased = std::max(told.erased, told.erasing);
  co_return true;
}

Task<void> write_rounds(Store& store, Told& told, std::uint64_t seed, std::int64_t rounds) {
  std::mt19937_64 chance{seed};
  while (rounds-- > 0) {
    if (!co_await write_round(store, told, chance)) co_return;
  }
}

class PowerCut : public testing::Test {
 protected:
  void SetUp() override { set_log_level(LogLevel::crashes); }
  void TearDown() override { set_log_level(LogLevel::major); }

  SqliteOptions options() const { return {.vfs = disk_.name(), .synchronous = synchronous_, .checkpoint_pages = 40}; }

  void begin_anew() {
    directory_.emplace();
    told_.clear();
    for (int i = 0; i < 8; ++i) told_.push_back({.owner = jid("writer" + std::to_string(i) + "@example.org")});
  }

  // Opens, writes and ends, with the power failing somewhere on the way, or at the end.
  void write_until_the_cut() {
    disk_.cut_power_after(1 + static_cast<std::int64_t>(chance_() % (chance_() % 4 == 0 ? 30 : 400)));
    {
      auto store = open_sqlite_store(directory_->path(), options());
      if (store) {
        std::vector<Task<void>> writers;
        writers.reserve(told_.size());
        const auto rounds = 1 + static_cast<std::int64_t>(chance_() % 60);
        for (auto& told : told_) writers.push_back(write_rounds(**store, told, chance_(), rounds));
        loop_.run_all(std::move(writers));
      }
      if (disk_.powered()) ++quiet_ends_;
    }
    disk_.reboot();
  }

  // Everything that is wrong after a cut, in words; empty when all is well.
  std::string faults() {
    std::string found;
    {
      auto store = open_sqlite_store(directory_->path(), options());
      if (!store) return "cannot be opened: " + store.failure().what;
      for (auto& told : told_) found += faults_of(**store, told);
    }
    auto database = Connection::open(directory_->database(), options(), Access::write);
    if (!database) return found + "cannot be checked: " + database.failure().what;
    Query check = (*database)->query("PRAGMA integrity_check");
    const std::string says = check.step() ? check.bytes_at(0) : "nothing";
    return says == "ok" ? found : found + "integrity_check: " + says;
  }

  // The stored round lies between the acknowledged and the tried one, its batch is whole, and every round from the
  // first not erased one to it is in the archive once.
  std::string faults_of(Store& store, Told& told) {
    const auto counter = loop_.run(store.map("counter").get(told.owner, "round"));
    const auto items = loop_.run(store.archive("archive").find(told.owner, {.limit = 0}));
    if (!counter) return "cannot be read: " + counter.failure().what;
    if (!items) return "cannot be read: " + items.failure().what;
    const std::int64_t stored = counter->has_value() ? std::stoll(**counter) : 0;
    const std::string who = told.owner.text() + ": ";
    if (stored < told.acknowledged || stored > told.tried) {
      return who + "acknowledged " + std::to_string(told.acknowledged) + ", stored " + std::to_string(stored) + "; ";
    }
    const std::int64_t first = stored + 1 - static_cast<std::int64_t>(items->size());
    // What was erased is gone; what was not asked to be erased is there.
    if (first <= told.erased) return who + "an erased item is back; ";
    if (first > std::max(told.erased, told.erasing) + 1) {
      return who + "items up to " + std::to_string(first - 1) + " are lost; ";
    }
    for (std::size_t i = 0; i < items->size(); ++i) {
      if ((*items)[i].id != id_of(first + static_cast<std::int64_t>(i))) return who + "an item is missing or twice; ";
    }
    told.tried = told.acknowledged = stored;  // what was not acknowledged is known now
    told.erased = told.erasing = first - 1;
    return {};
  }

  FaultVfs disk_{"power", 20261120};
  Synchronous synchronous_ = Synchronous::full;
  std::mt19937_64 chance_{4711};
  std::optional<TestDirectory> directory_;
  std::vector<Told> told_;
  TestLoop loop_;
  int quiet_ends_ = 0;
};

TEST_F(PowerCut, nothing_acknowledged_is_lost) {
  constexpr int cuts = 300;
  std::int64_t rounds = 0;
  for (int cut = 0; cut < cuts; ++cut) {
    if (cut % 10 == 0) begin_anew();  // ten cuts of the same database: it survives its own recovery, too
    write_until_the_cut();
    ASSERT_EQ(faults(), "") << "after cut " << cut;
    for (const auto& told : told_) rounds += told.acknowledged;
  }
  EXPECT_GT(rounds, cuts * 8);       // the cuts came while there was something to lose
  EXPECT_LT(quiet_ends_, cuts / 2);  // and most of them during the work
}

TEST_F(PowerCut, without_syncs_the_check_finds_the_loss) {
  synchronous_ = Synchronous::off;
  int losses = 0;
  constexpr int cuts = 30;
  for (int cut = 0; cut < cuts; ++cut) {
    begin_anew();
    write_until_the_cut();
    if (!faults().empty()) ++losses;
  }
  EXPECT_GT(losses, 0);
  RecordProperty("losses", losses);
}

TEST_F(PowerCut, a_restored_backup_is_there_after_it) {
  begin_anew();
  TestDirectory other;
  {
    auto store = good(open_sqlite_store(other.path()));
    good(loop_.run(store->map("a").set(told_[0].owner, "key", "value")));
    good(loop_.run(store->backup(other.file("copy.db"))));
  }
  write_until_the_cut();
  good(restore_sqlite_store(other.file("copy.db"), directory_->path()));
  disk_.reboot();
  auto store = good(open_sqlite_store(directory_->path(), options()));
  EXPECT_EQ(good(loop_.run(store->map("a").get(told_[0].owner, "key"))), "value");
}

}  // namespace
}  // namespace jackdaw
