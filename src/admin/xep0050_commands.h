// The module of ad-hoc commands (XEP-0050), for the wiring: it stands above the floor of the other modules.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "router/module.h"

namespace jackdaw {

extern const Module xep0050_commands;

}  // namespace jackdaw
