// SPDX-License-Identifier: Apache-2.0
#include "base/executor.h"

namespace jackdaw {
namespace {
thread_local Executor* current_executor = nullptr;  // the one thread_local: who resumes a waiting coroutine
}

Executor* Executor::current() { return current_executor; }
void Executor::set_current(Executor* executor) { current_executor = executor; }

}  // namespace jackdaw
