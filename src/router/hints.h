// Message processing hints (XEP-0334): what a sender asks of servers on the way: "no-store", "no-copy", "store" ...
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "stanza/stanza.h"

namespace jackdaw {

constexpr std::string_view hints_ns = "urn:xmpp:hints";

// XEP-0334 §4: a hint is an empty child element; whoever does not know it passes it on.
inline bool has_hint(const Stanza& stanza, std::string_view name) {
  return static_cast<bool>(stanza.child({hints_ns, name}));
}

}  // namespace jackdaw
