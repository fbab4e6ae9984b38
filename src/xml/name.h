// Name: an element's or attribute's qualified name, namespace and local part kept apart.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

namespace jackdaw {

struct Name {
  std::string_view ns;
  std::string_view local;
  friend bool operator==(const Name&, const Name&) = default;
};

}  // namespace jackdaw
