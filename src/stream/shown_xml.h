// XML as the log shows it: without what lets somebody in (passwords, proofs, keys, tokens), and not too long. Any
// thread. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "xml/tape.h"

namespace jackdaw {

// The element as it came; of one with a secret in it the name, namespace and size alone.
std::string shown_xml(const Element& element);
// What the server writes beside stanzas: a stream's header and features as they are, of all else the name of the tag.
std::string shown_raw(std::string_view bytes);

}  // namespace jackdaw
