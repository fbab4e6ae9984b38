// The plain form of a legal but unusual element: no prefixes on elements, no CDATA, no declaration from outside.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "xml/reader.h"

namespace jackdaw {

// Prefixes that the stream header declared, with their namespaces (decoded).
using DeclaredPrefixes = std::vector<std::pair<std::string, std::string>>;

// Writes the element on `scratch`'s tape, whose bytes begin at `base`, to scratch.rewritten. `content_ns` is the
// default namespace around it. Stops with too_big as soon as it exceeds `limit` bytes, so nothing can grow further.
XmlError rewrite_element(ReaderScratch& scratch, const char* base, std::string_view content_ns,
                         const DeclaredPrefixes& declared, std::size_t limit);

// What a parser makes of an attribute's value: white space normalised (XML 1.0 §3.3.3), references decoded.
std::string attribute_text(std::string_view raw);

// The one spelling that a namespace name has in a declaration of the plain form.
std::string spelled_namespace(std::string_view ns);

}  // namespace jackdaw
