// The XEPs of the stream itself, as records like those of the modules: for the lists, the documents and the DOAP file.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "router/module.h"

namespace jackdaw {

extern const std::vector<const Module*> stream_modules;

}  // namespace jackdaw
