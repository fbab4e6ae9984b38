// For tests: XML compared as a reader understands it: the order of attributes, prefixes, quotes and blanks between
// elements do not matter. In what is expected, '*' as an attribute's value or as the whole text stands for anything.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "xml/reader.h"

namespace jackdaw {

// Reads one element as a client would send it; false when it is not well-formed. What `see` looks at lives until then.
bool read_xml(std::string_view xml, const std::function<void(const XmlReader&)>& see);

// Empty when `got` is what was expected, else why not.
std::string difference(std::string_view expected, std::string_view got);

}  // namespace jackdaw
