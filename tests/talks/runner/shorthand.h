// What a talk may write instead of XML: expectations in words, and what is replaced in bytes to send.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "match.h"

namespace jackdaw::talks {

// "message error forbidden id='m1'", "iq result id='x'", "stream error reset", "sasl failure aborted", "features".
// Empty: it is none of them. What the words do not name may be anything.
std::optional<Node> node_of_words(const std::string& words, std::string& why);

// Captures; {300*text} repeats, {base64:text} encodes, {sha1:text} hashes; \n \r \t \\ and \xHH are bytes.
std::string bytes_to_send(const std::string& text, const Captures& captures);

}  // namespace jackdaw::talks
