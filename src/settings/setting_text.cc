// Text forms of values. Start at value_from_text() and text_of().
// SPDX-License-Identifier: Apache-2.0
#include "settings/setting_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

#include "settings/printable.h"

namespace jackdaw {
namespace {

struct Suffix {
  std::string_view text;
  std::int64_t factor;
};

// Largest first: a value is written in the largest that fits it exactly.
constexpr std::array size_suffixes{Suffix{"GiB", 1 << 30}, Suffix{"MiB", 1 << 20}, Suffix{"KiB", 1 << 10}};
constexpr std::array duration_suffixes{Suffix{"d", 86400}, Suffix{"h", 3600}, Suffix{"m", 60}, Suffix{"s", 1}};

std::span<const Suffix> suffixes_of(const SettingRow& row) {
  if (row.kind() == SettingKind::duration) return duration_suffixes;
  if (row.unit == Unit::bytes) return size_suffixes;
  return {};
}

// A whole number and perhaps a suffix, nothing else. Empty when it is none or does not fit 64 bits.
std::optional<std::int64_t> number_from(std::string_view text, std::span<const Suffix> suffixes) {
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (rest.empty()) return number;
  auto suffix = std::ranges::find(suffixes, rest, &Suffix::text);
  if (suffix == suffixes.end()) return std::nullopt;
  std::int64_t product = 0;
  if (__builtin_mul_overflow(number, suffix->factor, &product)) return std::nullopt;
  return product;
}

std::string number_text(std::int64_t number, std::span<const Suffix> suffixes) {
  for (const Suffix& suffix : suffixes) {
    bool exact = number != 0 && number % suffix.factor == 0;
    if (exact || suffix.factor == 1) return fmt::format("{}{}", number / suffix.factor, suffix.text);
  }
  return fmt::format("{}", number);
}

std::string bound_text(const SettingRow& row, std::int64_t bound) {
  return row.kind() == SettingKind::duration ? number_text(bound, duration_suffixes) : fmt::format("{}", bound);
}

std::string range_text(const SettingRow& row) {
  bool open_below = row.min == std::numeric_limits<std::int64_t>::min();
  bool open_above = row.max == std::numeric_limits<std::int64_t>::max();
  std::string unit = row.unit == Unit::bytes ? " (bytes)" : "";
  if (open_below && open_above) return fmt::format("any {}", type_name(row)) + unit;
  if (open_above) return "at least " + bound_text(row, row.min) + unit;
  if (open_below) return "at most " + bound_text(row, row.max) + unit;
  return bound_text(row, row.min) + " to " + bound_text(row, row.max) + unit;
}

Failure refused(const SettingRow& row, std::string_view why) {
  return {fmt::format("{}; allowed: {}", why, allowed_for(row))};
}

std::string_view flaw_of_number(const SettingRow& row, std::int64_t number) {
  if (number < row.min) return "too small";
  if (number > row.max) return "too large";
  return {};
}

bool is_choice(const SettingRow& row, const std::string& word) {
  if (row.choices.empty()) return true;
  StringList choices = split_list(row.choices);
  return std::ranges::find(choices, word) != choices.end();
}

std::string_view flaw_of_list(const SettingRow& row, const StringList& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (std::string_view flaw = flaw_of_item(items[i]); !flaw.empty()) return flaw;
    if (!is_choice(row, items[i])) return "has a word that is not allowed";
    if (std::find(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(i), items[i]) !=
        items.begin() + static_cast<std::ptrdiff_t>(i)) {
      return "has an item twice";
    }
  }
  return {};
}

std::string_view flaw_of_value(const SettingRow& row, const SettingValue& value) {
  switch (row.kind()) {
    case SettingKind::boolean:
      return {};
    case SettingKind::integer:
      return flaw_of_number(row, std::get<std::int64_t>(value));
    case SettingKind::duration:
      return flaw_of_number(row, std::get<Seconds>(value).count());
    case SettingKind::list:
      return flaw_of_list(row, std::get<StringList>(value));
    case SettingKind::text:
      break;
  }
  const auto& text = std::get<std::string>(value);
  if (std::string_view flaw = flaw_of_text(text); !flaw.empty()) return flaw;
  return is_choice(row, text) ? std::string_view{} : "not one of the words";
}

std::optional<SettingValue> read_text(const SettingRow& row, std::string_view text) {
  switch (row.kind()) {
    case SettingKind::boolean:
      if (text != "true" && text != "false") return std::nullopt;
      return text == "true";
    case SettingKind::integer:
    case SettingKind::duration: {
      auto number = number_from(text, suffixes_of(row));
      if (!number) return std::nullopt;
      if (row.kind() == SettingKind::duration) return Seconds{*number};
      return *number;
    }
    case SettingKind::list:
      return split_list(text);
    case SettingKind::text:
      break;
  }
  return std::string{text};
}

}  // namespace

Failure wrong_type(const SettingRow& row) { return refused(row, fmt::format("not a {}", type_name(row))); }

Result<SettingValue> value_within_bounds(const SettingRow& row, SettingValue value) {
  check(value.index() == row.fallback.index(), "a value of another type than its row's");
  std::string_view flaw = flaw_of_value(row, value);
  if (!flaw.empty()) return refused(row, flaw);
  return value;
}

Result<SettingValue> value_from_text(const SettingRow& row, std::string_view text) {
  auto value = read_text(row, text);
  if (value) return value_within_bounds(row, std::move(*value));
  // Whole seconds are the wheel's tick; "500ms" deserves to hear why.
  if (row.kind() == SettingKind::duration && text.ends_with("ms")) return refused(row, "whole seconds only");
  return wrong_type(row);
}

std::string text_of(const SettingRow& row, const SettingValue& value) {
  switch (row.kind()) {
    case SettingKind::boolean:
      return std::get<bool>(value) ? "true" : "false";
    case SettingKind::integer:
      return number_text(std::get<std::int64_t>(value), suffixes_of(row));
    case SettingKind::duration:
      return number_text(std::get<Seconds>(value).count(), suffixes_of(row));
    case SettingKind::list:
      return fmt::format("{}", fmt::join(std::get<StringList>(value), ", "));
    case SettingKind::text:
      break;
  }
  return std::get<std::string>(value);
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_of(const SettingRow& row, const SettingValue& value) {
  if (row.kind() == SettingKind::list) {
    StringList quoted;
    for (const std::string& item : std::get<StringList>(value)) quoted.push_back(toml_string(item));
    return fmt::format("[{}]", fmt::join(quoted, ", "));
  }
  std::string text = text_of(row, value);
  bool bare = row.kind() == SettingKind::boolean || (row.kind() == SettingKind::integer && number_from(text, {}));
  return bare ? text : toml_string(text);
}

std::string allowed_for(const SettingRow& row) {
  std::string choices = fmt::format("{}", fmt::join(split_list(row.choices), ", "));
  switch (row.kind()) {
    case SettingKind::boolean:
      return "true or false";
    case SettingKind::integer:
    case SettingKind::duration:
      return range_text(row);
    case SettingKind::list:
      return choices.empty() ? "a list of strings" : "a list of " + choices;
    case SettingKind::text:
      break;
  }
  return choices.empty() ? "any string" : "one of " + choices;
}

std::string_view type_name(const SettingRow& row) {
  switch (row.kind()) {
    case SettingKind::boolean:
      return "boolean";
    case SettingKind::integer:
      return row.unit == Unit::bytes ? "size" : "whole number";
    case SettingKind::duration:
      return "duration";
    case SettingKind::list:
      return "list of strings";
    case SettingKind::text:
      break;
  }
  return "string";
}

}  // namespace jackdaw
