// A setting's value as text and back: "10m", "256KiB", "true", "a, b". What text_of() writes, value_from_text() reads.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "settings/setting.h"

namespace jackdaw {

// The value that `text` means for this row, within its bounds. Failure: "too small; allowed: 1 to 9".
Result<SettingValue> value_from_text(const SettingRow& row, std::string_view text);

// The value itself when it is within the row's bounds and choices. Failure as above.
Result<SettingValue> value_within_bounds(const SettingRow& row, SettingValue value);

// Failure for what is of another type: "not a duration; allowed: 10s to 1d".
Failure wrong_type(const SettingRow& row);

std::string text_of(const SettingRow& row, const SettingValue& value);
// The same as it stands in a TOML file.
std::string toml_of(const SettingRow& row, const SettingValue& value);
std::string toml_string(std::string_view text);

// "10000 to 16777216 (bytes)", "10s to 1d", "true or false", "one of a, b".
std::string allowed_for(const SettingRow& row);

// "boolean", "whole number", "size", "duration", "string", "list of strings".
std::string_view type_name(const SettingRow& row);

}  // namespace jackdaw
