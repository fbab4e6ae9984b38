// Counters of what streams refuse, by condition.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "stanza/errors.h"
#include "stream/sasl_condition.h"

namespace jackdaw {

void count_stream_error(StreamCondition condition);
void count_handshake_failure();
// A stanza that was refused before it was routed.
void count_malformed_stanza();
void count_login();
void count_login_failure(SaslCondition condition);

}  // namespace jackdaw
