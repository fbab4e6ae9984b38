// Whether a password is an account's, outside of a stream: for who administers the server in an account's name.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "base/task.h"
#include "stream/stream_shard.h"

namespace jackdaw {

// The account that `jid`, or the alias, means. Counted and limited as log-ins are, under `address`. Failure: one line
// for a person that does not tell whether there is such an account. On core 0.
Task<Result<BareJid>> prove_password(StreamShard& first, std::string jid, std::string password, std::string address);

}  // namespace jackdaw
