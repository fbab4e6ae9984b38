// Text from outside made fit for one line of a terminal or a log.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace jackdaw {

// `text` with control characters, line and direction marks and broken UTF-8 escaped (\n, \x1b, \u{202e}); what is
// longer than about `longest` bytes ends in "...".
std::string printable(std::string_view text, std::size_t longest = 120);

// Why a value cannot be kept, or empty: it must be UTF-8 without control characters; a text may have line ends
// and tabs.
std::string_view flaw_of_text(std::string_view text);
std::string_view flaw_of_item(std::string_view item);  // of a list: also not empty, no comma, no blank at its ends

// ASCII letters in lower case; the rest as it is.
std::string lower_case(std::string_view text);

}  // namespace jackdaw
