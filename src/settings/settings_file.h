// Reading jackdaw.toml as a file; what stands in it is toml_file.h's.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "base/result.h"

namespace jackdaw {

// The whole text, or nothing when there is no such file. Failure: what is there cannot be read, or is no file of
// settings (a directory, a pipe, more than 16 MiB); it never counts as an empty one.
Result<std::optional<std::string>> read_settings_file(const std::string& file);

}  // namespace jackdaw
