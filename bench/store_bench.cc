// How many offline messages a second the SQLite store takes, each answered when it is on the disk, while so many
// callers wait at once; and how long one alone waits. JACKDAW_BENCH_DIRECTORY says on which disk (else the current
// directory). SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "base/metrics.h"
#include "store/store.h"
#include "store/test_loop.h"

namespace jackdaw {
namespace {

class BenchDirectory {
 public:
  BenchDirectory() {
    const char* where = std::getenv("JACKDAW_BENCH_DIRECTORY");
    path_ = (std::filesystem::absolute(where ? where : ".") / "store_bench.XXXXXX").string();
    check(::mkdtemp(path_.data()) != nullptr, "no directory for the bench");
  }
  BenchDirectory(const BenchDirectory&) = delete;
  ~BenchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

constexpr int rounds = 20;  // appends of each writer in one iteration

Task<void> append_some(ArchiveStore& archive, BareJid owner, std::int64_t& next, bool& failed) {
  for (int i = 0; i < rounds && !failed; ++i) {
    ArchiveItem item{.id = std::to_string(100'000'000 + next++), .when = system_clock().wall(), .xml = {}};
    item.xml.assign(400, 'x');  // a message as people write them
    if (!co_await archive.append(owner, std::move(item))) failed = true;
  }
}

double commits() {
  for (const Metric* each : Metric::all()) {
    if (each->name() == "jackdaw_store_commits") return static_cast<double>(each->sum());
  }
  return 0;
}

void offline_append(benchmark::State& state) {
  BenchDirectory directory;
  auto store = open_sqlite_store(directory.path());
  if (!store) return state.SkipWithError(store.failure().what.c_str());
  TestLoop loop;
  auto& archive = (*store)->archive("offline");
  std::int64_t next = 0;
  bool failed = false;
  const double before = commits();
  for (auto _ : state) {
    std::vector<Task<void>> writers;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      const std::string owner = "user" + std::to_string(i) + "@example.org";
      writers.push_back(append_some(archive, BareJid{JidView::of_prepared(owner)}, next, failed));
    }
    loop.run_all(std::move(writers));
  }
  if (failed) state.SkipWithError("an append failed");
  state.SetItemsProcessed(next);
  state.counters["appends_per_sync"] = static_cast<double>(next) / (commits() - before);
}
BENCHMARK(offline_append)->Arg(1)->Arg(16)->Arg(256)->ArgName("waiting")->UseRealTime()->Unit(benchmark::kMillisecond);

void read_one_value(benchmark::State& state) {
  BenchDirectory directory;
  auto store = open_sqlite_store(directory.path());
  if (!store) return state.SkipWithError(store.failure().what.c_str());
  TestLoop loop;
  const BareJid owner{JidView::of_prepared("romeo@example.org")};
  auto& map = (*store)->map("roster");
  if (!loop.run(map.set(owner, "key", "value"))) return state.SkipWithError("the value was not stored");
  for (auto _ : state) {
    if (!loop.run(map.get(owner, "key"))) return state.SkipWithError("the value was not read");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(read_one_value)->UseRealTime();

}  // namespace
}  // namespace jackdaw
