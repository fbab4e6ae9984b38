// Does what came fit what a talk expects? Attributes in any order, namespaces respected. Placeholders, in attribute
// values and in text: {any} fits everything, {name} remembers what it met and must meet the same again; {maybe} as an
// attribute's whole value allows the attribute to be absent; {any} among child elements allows further ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "node.h"

namespace jackdaw::talks {

using Captures = std::map<std::string, std::string>;

// Empty: it fits, and `captures` has what was met. Else: what differs.
std::string mismatch(const Node& expected, const Node& got, Captures& captures);

// What `expected` leaves out may be there: further attributes and children.
std::string mismatch_of_part(const Node& expected, const Node& got, Captures& captures);

// {name} replaced by what is remembered; unknown ones stay.
std::string with_captures(std::string_view text, const Captures& captures);

}  // namespace jackdaw::talks
