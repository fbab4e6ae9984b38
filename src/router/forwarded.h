// A stanza inside of another one (XEP-0297): wrapped, and taken out again.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "stanza/stanza.h"

namespace jackdaw {

constexpr Name forwarded_name{"urn:xmpp:forward:0", "forwarded"};

// XEP-0297 §3.1: the forwarded stanza declares its namespace.
std::string forwarded(const Stanza& stanza);

// The stanza in the one <forwarded/> of `around`; null when there is none, or none of jabber:client. Its addresses are
// its sender's claims.
StanzaRef stanza_forwarded_in(const Element& around);

}  // namespace jackdaw
