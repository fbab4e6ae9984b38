// The list of every module (all.cc).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "router/module.h"

namespace jackdaw {

extern const std::vector<const Module*> all_modules;

}  // namespace jackdaw
