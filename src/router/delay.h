// Delayed Delivery (XEP-0203): what says when a stanza should have been delivered, and by whom it was kept meanwhile.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "base/time.h"
#include "stanza/stanza.h"

namespace jackdaw {

// Whether a child says, or pretends, that `by` delayed the stanza.
bool is_delay_of(const Element& child, std::string_view by);
// Ready XML. XEP-0203 §2: `stamp` is when the stanza was first meant to be delivered.
std::string delay_element(std::string_view by, TimePoint when);
// The stanza with that, and without what its sender pretends that `by` said (§3: the stamp is only as good as who says
// it).
StanzaRef delayed(const Stanza& stanza, std::string_view by, TimePoint when);

}  // namespace jackdaw
