// What each type of setting takes, how it refuses, and that writing and reading are inverse.
// SPDX-License-Identifier: Apache-2.0
#include "settings/setting_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "settings/sample_rows.h"

namespace jackdaw {
namespace {

const SettingRow& row_of(auto& setting) { return *rows(setting)[0]; }

std::string refusal_of(const SettingRow& row, std::string_view text) {
  auto value = value_from_text(row, text);
  return value ? "taken: " + text_of(row, *value) : value.failure().what;
}

// What the text means, written again.
std::string normal(const SettingRow& row, std::string_view text) {
  auto value = value_from_text(row, text);
  return value ? text_of(row, *value) : "refused: " + value.failure().what;
}

TEST(SettingText, Durations) {
  const SettingRow& idle = row_of(sample::c2s_idle);
  EXPECT_EQ(normal(idle, "10m"), "10m");
  EXPECT_EQ(normal(idle, "90s"), "90s");
  EXPECT_EQ(normal(idle, "60s"), "1m");
  EXPECT_EQ(normal(idle, "2h"), "2h");
  EXPECT_EQ(normal(idle, "1d"), "1d");
  EXPECT_EQ(normal(idle, "120"), "2m");
  EXPECT_EQ(std::get<Seconds>(*value_from_text(idle, "5m")), 5min);
  EXPECT_EQ(refusal_of(idle, "9s"), "too small; allowed: 10s to 1d");
  EXPECT_EQ(refusal_of(idle, "25h"), "too large; allowed: 10s to 1d");
  EXPECT_EQ(refusal_of(idle, "500ms"), "whole seconds only; allowed: 10s to 1d");
  for (const char* text : {"", "m", "ten", "1.5h", "10 m", " 10m", "10m ", "10M", "1h30m", "+10m", "0x10", "10mm",
                           "9223372036854775807d", "99999999999999999999"}) {
    EXPECT_EQ(refusal_of(idle, text), "not a duration; allowed: 10s to 1d") << text;
  }
}

TEST(SettingText, Sizes) {
  const SettingRow& size = row_of(sample::c2s_max_stanza);
  EXPECT_EQ(normal(size, "256KiB"), "256KiB");
  EXPECT_EQ(normal(size, "1024KiB"), "1MiB");
  EXPECT_EQ(normal(size, "262145"), "262145");
  EXPECT_EQ(refusal_of(size, "5"), "too small; allowed: 10000 to 16777216 (bytes)");
  EXPECT_EQ(refusal_of(size, "1GiB"), "too large; allowed: 10000 to 16777216 (bytes)");
  for (const char* text : {"256kb", "256 KiB", "KiB", "", "1.5MiB", "9223372036854775807GiB"}) {
    EXPECT_EQ(refusal_of(size, text), "not a size; allowed: 10000 to 16777216 (bytes)") << text;
  }
}

TEST(SettingText, WholeNumbers) {
  EXPECT_EQ(normal(row_of(sample::c2s_port), "5269"), "5269");
  EXPECT_EQ(refusal_of(row_of(sample::c2s_port), "0"), "too small; allowed: 1 to 65535");
  EXPECT_EQ(refusal_of(row_of(sample::c2s_port), "65536"), "too large; allowed: 1 to 65535");
  EXPECT_EQ(refusal_of(row_of(sample::c2s_port), "1KiB"), "not a whole number; allowed: 1 to 65535");
  EXPECT_EQ(normal(row_of(sample::archive_offset), "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(refusal_of(row_of(sample::archive_offset), "x"), "not a whole number; allowed: any whole number");
}

TEST(SettingText, Booleans) {
  const SettingRow& row = row_of(sample::registration_auto_signup);
  EXPECT_EQ(normal(row, "true"), "true");
  EXPECT_EQ(normal(row, "false"), "false");
  EXPECT_EQ(refusal_of(row, "yes"), "not a boolean; allowed: true or false");
  EXPECT_EQ(refusal_of(row, ""), "not a boolean; allowed: true or false");
}

TEST(SettingText, Strings) {
  EXPECT_EQ(normal(row_of(sample::log_level), "all"), "all");
  EXPECT_EQ(refusal_of(row_of(sample::log_level), "All"), "not one of the words; allowed: one of major, all");
  EXPECT_EQ(normal(row_of(sample::log_note), " two\nlines "), " two\nlines ");
  EXPECT_EQ(refusal_of(row_of(sample::log_note), "\x1b"), "has a control character; allowed: any string");
  EXPECT_EQ(refusal_of(row_of(sample::log_note), "\xff"), "not UTF-8; allowed: any string");
}

TEST(SettingText, Lists) {
  const SettingRow& words = row_of(sample::c2s_mechanisms);
  const SettingRow& any = row_of(sample::registration_admins);
  EXPECT_EQ(normal(words, " PLAIN ,SCRAM-SHA-1"), "PLAIN, SCRAM-SHA-1");
  EXPECT_EQ(normal(any, ""), "");
  EXPECT_EQ(normal(any, "a b, c"), "a b, c");
  EXPECT_EQ(refusal_of(words, "PLAIN, X"),
            "has a word that is not allowed; allowed: a list of SCRAM-SHA-256, SCRAM-SHA-1, PLAIN");
  EXPECT_EQ(refusal_of(any, "a,,b"), "has an empty item; allowed: a list of strings");
  EXPECT_EQ(refusal_of(any, "a,"), "has an empty item; allowed: a list of strings");
  EXPECT_EQ(refusal_of(any, "a, b, a"), "has an item twice; allowed: a list of strings");
}

TEST(SettingText, AllowedWithOneBound) {
  static constexpr Setting<std::int64_t> at_least{.name = "a.b", .fallback = 5, .min = 5, .help = "x"};
  static constexpr Setting<std::int64_t> at_most{
      .name = "a.b", .fallback = 5, .max = 5, .unit = Unit::bytes, .help = "x"};
  static constexpr Setting<Seconds> open{.name = "a.b", .help = "x"};
  EXPECT_EQ(allowed_for(row_of(at_least)), "at least 5");
  EXPECT_EQ(allowed_for(row_of(at_most)), "at most 5 (bytes)");
  EXPECT_EQ(allowed_for(row_of(open)), "0s to 36500d");
  // The longest duration still fits nanoseconds.
  EXPECT_LT(open.max.count(), std::numeric_limits<std::int64_t>::max() / 1'000'000'000);
}

TEST(SettingText, WritingAndReadingAreInverse) {
  const SettingRow& number = row_of(sample::archive_offset);
  static constexpr Setting<std::int64_t> any_size{.name = "a.size", .unit = Unit::bytes, .help = "x"};
  static constexpr Setting<Seconds> any_time{.name = "a.time", .help = "x"};
  for (std::int64_t n : {0L, 1L, -1L, 59L, 60L, 61L, 3600L, 86400L, 86401L, 1024L, -2048L, 1L << 30, 3L << 40, 1536L}) {
    for (const SettingRow* row : {&number, &row_of(any_size)}) {
      auto value = value_from_text(*row, text_of(*row, n));
      ASSERT_TRUE(value.ok()) << n;
      EXPECT_EQ(std::get<std::int64_t>(*value), n);
    }
    if (n < 0 || n > 3600L * 24 * 36500) continue;
    auto time = value_from_text(row_of(any_time), text_of(row_of(any_time), Seconds{n}));
    ASSERT_TRUE(time.ok()) << n;
    EXPECT_EQ(std::get<Seconds>(*time), Seconds{n});
  }
}

TEST(SettingText, Toml) {
  EXPECT_EQ(toml_of(row_of(sample::c2s_idle), SettingValue{Seconds{90}}), "\"90s\"");
  EXPECT_EQ(toml_of(row_of(sample::c2s_max_stanza), SettingValue{std::int64_t{2048}}), "\"2KiB\"");
  EXPECT_EQ(toml_of(row_of(sample::c2s_max_stanza), SettingValue{std::int64_t{2049}}), "2049");
  EXPECT_EQ(toml_of(row_of(sample::registration_auto_signup), SettingValue{true}), "true");
  EXPECT_EQ(toml_of(row_of(sample::registration_admins), SettingValue{StringList{"a", "b\""}}), "[\"a\", \"b\\\"\"]");
  EXPECT_EQ(toml_string("a\nb\\"), "\"a\\u000Ab\\\\\"");
}

TEST(SettingText, ValueOfAnotherTypeIsOurMistake) {
  EXPECT_THROW((void)value_within_bounds(row_of(sample::c2s_idle), SettingValue{true}), Bug);
}

}  // namespace
}  // namespace jackdaw
