// check(): our own mistakes. Throws Bug, which the router catches at the module's border and logs.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdexcept>

namespace jackdaw {

class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void check(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    throw Bug(what);
}

}  // namespace jackdaw
