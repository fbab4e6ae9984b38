// DatabaseThread: a thread with its own connection, which serves requests from a bounded queue.
//
// Full (too many requests, or too many bytes in them): push() says no at once, and a metric counts it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "store/sqlite/connection.h"
#include "store/sqlite/turns.h"

namespace jackdaw {

class DatabaseThread {
 public:
  // write: all that waits at once, in one transaction. read: one after the other.
  DatabaseThread(std::unique_ptr<Connection> database, Access access, const SqliteOptions& options, FailureLog& log);
  DatabaseThread(const DatabaseThread&) = delete;
  // Serves what was accepted, then closes the connection.
  ~DatabaseThread();

  // Any thread. False when the queue is full; the request is gone then, unanswered.
  bool push(std::unique_ptr<Request> request);
  // Requests accepted and not yet answered.
  std::int64_t queued() const { return queued_.load(std::memory_order_relaxed); }

 private:
  void serve();
  // Waits for requests; none when it is time to end.
  Requests take();
  void finish(Requests& group);

  std::unique_ptr<Connection> database_;
  const Access access_;
  const SqliteOptions options_;
  FailureLog& log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Request>> waiting_;  // guarded by mutex_, as are the two below
  std::int64_t bytes_ = 0;                        // of what was accepted and not yet answered
  bool closing_ = false;
  std::atomic<std::int64_t> queued_{0};
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace jackdaw
