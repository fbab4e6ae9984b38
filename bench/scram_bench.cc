// A log-in storm's work by SCRAM: what a core does for each log-in, and what the workers do for each new password.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <string>

#include "stream/login_limits.h"
#include "stream/scram.h"
#include "stream/scram_test_client.h"

namespace jackdaw {
namespace {

const std::string salt = "sixteen bytes ..";

// The nonce is fixed, so that the client's part is computed once; its 18 random bytes are measured alone.
void whole_exchange(benchmark::State& state, Hash hash) {
  const ScramKeys keys = derive_scram_keys(hash, "pencil", salt, 4096);
  const ScramOffer offer{.hash = hash, .nonce = "3rfcNHYJY1ZVvWVs7j"};
  scram_test::Talk talk{.hash = hash, .salted_password = scram_test::salted(hash, "pencil", salt, 4096)};
  const std::string client_first = talk.header + talk.bare;
  ScramServer sample{offer};
  static_cast<void>(sample.first(client_first));
  talk.server_first = sample.server_first(keys);
  const std::string client_final = scram_test::client_final(talk);
  for (auto _ : state) {
    ScramServer server{offer};
    benchmark::DoNotOptimize(server.first(client_first));
    benchmark::DoNotOptimize(server.server_first(keys));
    const auto outcome = server.finish(client_final);
    if (!std::holds_alternative<std::string>(outcome)) return state.SkipWithError("not logged in");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void nonce(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(scram_nonce());
}

void decoy(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(decoy_keys(Hash::sha256, "server secret", "nobody@example.com", 4096));
}

void derive(benchmark::State& state, Hash hash) {
  for (auto _ : state) benchmark::DoNotOptimize(derive_scram_keys(hash, "pencil", salt, 4096));
}

// Every log-in asks once and tells the outcome; the tables are full.
void limits_when_full(benchmark::State& state) {
  LoginLimits limits;
  int number = 0;
  const auto account = [&] { return std::to_string(number % 200'000) + "@example.com"; };
  const auto address = [&] {
    return "10.1." + std::to_string(number / 256 % 256) + "." + std::to_string(number % 256);
  };
  for (; number < 200'000; ++number) limits.failed(account(), address(), Steady{});
  for (auto _ : state) {
    ++number;
    benchmark::DoNotOptimize(limits.wait(account(), address(), Steady{}));
    limits.failed(account(), address(), Steady{});
  }
}

BENCHMARK_CAPTURE(whole_exchange, sha1, Hash::sha1);
BENCHMARK_CAPTURE(whole_exchange, sha256, Hash::sha256);
BENCHMARK_CAPTURE(whole_exchange, sha512, Hash::sha512);
BENCHMARK(nonce);
BENCHMARK(decoy);
BENCHMARK_CAPTURE(derive, sha1, Hash::sha1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(derive, sha256, Hash::sha256)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(derive, sha512, Hash::sha512)->Unit(benchmark::kMillisecond);
BENCHMARK(limits_when_full);

}  // namespace
}  // namespace jackdaw
