// The settings table as pages for people: docs/settings.md and a jackdaw.toml to begin with. The same table gives the
// same bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "settings/table.h"

namespace jackdaw {

// The content of docs/settings.md.
std::string markdown(const SettingTable& table);

// A jackdaw.toml that sets `domains` and has every other setting, at its fallback, commented out below its help:
// taking off the "#" of a "#name = value" line changes nothing until the value is changed.
std::string commented_file(const SettingTable& table, const StringList& domains);

}  // namespace jackdaw
