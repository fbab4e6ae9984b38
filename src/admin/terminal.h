// Questions to the person at the terminal, and passwords from it or from standard input. Blocks.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "base/result.h"

namespace jackdaw {

// Whether there is somebody to ask.
bool has_terminal();

// The line typed, without blanks around it; empty for the line's end alone.
Result<std::string> ask_line(const std::string& question);
// Not shown while it is typed.
Result<std::string> ask_password(const std::string& question);
// Twice the same, not empty.
Result<std::string> ask_new_password(const std::string& question);

// The first line of standard input, without its end.
Result<std::string> read_password_from_stdin();

}  // namespace jackdaw
