// How a SQLite store is opened: what store.h fixes for the server, and tests change.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "store/store.h"

namespace jackdaw {

// What SQLite waits for before a commit is done. With `off` a power cut loses what was acknowledged: only the test
// that proves it uses it.
enum class Synchronous { full, off };

struct SqliteOptions {
  std::string vfs;  // a registered sqlite3_vfs; empty: the system's own
  Synchronous synchronous = Synchronous::full;
  std::chrono::milliseconds busy_timeout{5000};  // how long a request waits for another process' lock
  std::int64_t queue_requests = 100'000;         // more are answered at once with a Failure
  std::int64_t queue_bytes = 256_MiB;            // the same for what they carry
  int checkpoint_pages = 4000;                   // the log is copied into the database when it has so many
};

// As open_sqlite_store(directory) in store.h.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& directory, const SqliteOptions& options);

}  // namespace jackdaw
