// Executor: a thread that runs posted jobs in order: a core, a database's thread, a worker.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "base/job.h"

namespace jackdaw {

class Executor {
 public:
  virtual ~Executor() = default;

  // Any thread. Jobs of one poster run in the order of their posting. After the executor has stopped a job is
  // destroyed without being run.
  virtual void post(Job job) = 0;

  // The executor whose thread this is; null on a thread that is none. What suspends resumes here.
  static Executor* current();

 protected:
  // Called by an executor's own thread, first and (with null) last.
  static void set_current(Executor* executor);
};

}  // namespace jackdaw
