// The version of the program, as everything says it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

namespace jackdaw {

constexpr std::string_view program_version = "0.1.0";  // CMakeLists.txt, project()

}  // namespace jackdaw
