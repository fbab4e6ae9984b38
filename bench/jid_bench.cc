// Addresses as nearly all are: ASCII and prepared. Beside them one that is not, and one beyond ASCII.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <string>

#include "stanza/jid.h"

namespace jackdaw {
namespace {

const std::string bare = "juliet@example.com";
const std::string full = "juliet@capulet.example.com/balcony-4f8a21";
const std::string capital = "Juliet@capulet.example.com/balcony-4f8a21";
const std::string beyond_ascii = "жюльетта@bücher.example/балкон";

void is_prepared(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::DoNotOptimize(jackdaw::is_prepared(text));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void parse(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    auto jid = Jid::parse(text);
    benchmark::DoNotOptimize(jid);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

BENCHMARK_CAPTURE(is_prepared, bare, bare);
BENCHMARK_CAPTURE(is_prepared, full, full);
BENCHMARK_CAPTURE(parse, bare, bare);
BENCHMARK_CAPTURE(parse, full, full);
BENCHMARK_CAPTURE(parse, capital, capital);
BENCHMARK_CAPTURE(parse, beyond_ascii, beyond_ascii);

}  // namespace
}  // namespace jackdaw
