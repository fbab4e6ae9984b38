// When the certificates that prove a peer run out, and the stream with them.
//
// RFC 6120 §13.7.2.3: who has proven itself by certificates that expire later is not let stay longer than they do.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/types.h>

#include <optional>

#include "base/time.h"
#include "stanza/errors.h"

namespace jackdaw {

// How long the peer's certificate and those that it hangs from are all valid; at least zero. Empty: it has shown none.
std::optional<Seconds> certificates_last(const SSL* ssl, TimePoint now);

// RFC 6120 §4.9.3.16: with a reset the peer may come back, when it has new ones.
inline StreamError certificates_expired() {
  return {StreamCondition::reset, "A certificate that proves who you are has expired."};
}

}  // namespace jackdaw
