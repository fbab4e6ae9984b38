// The table finds what it was given, guesses at misspelt names, and throws Bug for rows that cannot be right.
// SPDX-License-Identifier: Apache-2.0
#include "settings/table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/check.h"
#include "settings/sample_rows.h"

namespace jackdaw {
namespace {

std::string bug_of(auto&... settings) {
  try {
    SettingTable table{{rows(settings...)}};
  } catch (const Bug& bug) {
    return bug.what();
  }
  return "none";
}

TEST(SettingTable, FindsEveryRowByName) {
  SettingTable table = sample::table();
  EXPECT_EQ(table.rows().size(), 10u);
  EXPECT_TRUE(std::ranges::is_sorted(table.rows(), {}, &SettingRow::name));
  for (const SettingRow* row : table.rows()) EXPECT_EQ(table.find(row->name), row);
  EXPECT_EQ(table.find("c2s.idle")->help, sample::c2s_idle.help);
  EXPECT_EQ(table.find("c2s.idl"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
  EXPECT_TRUE(table.has_area("c2s"));
  EXPECT_FALSE(table.has_area("c2"));
  EXPECT_EQ(SettingTable{}.find("c2s.idle"), nullptr);
  EXPECT_EQ(SettingTable{std::vector<SettingRows>{}}.find("c2s.idle"), nullptr);
}

TEST(SettingTable, NearestName) {
  SettingTable table = sample::table();
  EXPECT_EQ(table.nearest("c2s.max_stanz"), "c2s.max_stanza");
  EXPECT_EQ(table.nearest("c2s.maxstanza"), "c2s.max_stanza");
  EXPECT_EQ(table.nearest("s2s.idle"), "c2s.idle");
  EXPECT_EQ(table.nearest("registraton"), "registration");
  EXPECT_EQ(table.nearest("max_stanza"), "c2s.max_stanza");
  EXPECT_EQ(table.nearest("quite.something_else"), "");
  EXPECT_EQ(table.nearest(std::string(100'000, 'x')), "");
}

TEST(SettingTable, RowsThatCannotBeRight) {
  static constexpr Setting<bool> good{.name = "a.b", .help = "x"};
  static constexpr Setting<bool> flat{.name = "a", .help = "x"};
  static constexpr Setting<bool> deep{.name = "a.b.c", .help = "x"};
  static constexpr Setting<bool> shouting{.name = "A.b", .help = "x"};
  static constexpr Setting<bool> grammar{.name = "domain.b", .help = "x"};
  static constexpr Setting<bool> silent{.name = "a.b"};
  EXPECT_EQ(bug_of(good), "none");
  EXPECT_EQ(bug_of(good, good), "setting a.b: declared twice");
  EXPECT_EQ(bug_of(flat), "setting a: its name is not \"area.thing\"");
  EXPECT_EQ(bug_of(deep), "setting a.b.c: its name is not \"area.thing\"");
  EXPECT_EQ(bug_of(shouting), "setting A.b: its name is not \"area.thing\"");
  EXPECT_EQ(bug_of(grammar), "setting domain.b: its area is a word of the file's grammar");
  EXPECT_EQ(bug_of(silent), "setting a.b: its help is not one line");
}

TEST(SettingTable, FallbacksThatCannotBeRight) {
  static constexpr Setting<std::int64_t> small{.name = "a.b", .fallback = 1, .min = 2, .max = 3, .help = "x"};
  static constexpr Setting<std::int64_t> empty{.name = "a.b", .fallback = 1, .min = 3, .max = 2, .help = "x"};
  static constexpr Setting<std::string> word{.name = "a.b", .fallback = "z", .choices = "x,y", .help = "x"};
  static constexpr Setting<std::string> known{
      .name = "a.b", .fallback = "letmein", .secrecy = Secrecy::secret, .help = "x"};
  static constexpr Setting<bool> flag{.name = "a.b", .secrecy = Secrecy::secret, .help = "x"};
  EXPECT_EQ(bug_of(small), "setting a.b: fallback 1: too small; allowed: 2 to 3");
  EXPECT_EQ(bug_of(empty), "setting a.b: min is above max");
  EXPECT_EQ(bug_of(word), "setting a.b: fallback z: not one of the words; allowed: one of x, y");
  EXPECT_EQ(bug_of(known), "setting a.b: a secret with a fallback is none");
  EXPECT_EQ(bug_of(flag), "setting a.b: a secret is a text or a list");
}

TEST(SettingTable, DuplicatesAcrossListsAreFound) {
  EXPECT_THROW((SettingTable{{rows(sample::c2s_idle), rows(sample::log_level, sample::c2s_idle)}}), Bug);
}

TEST(SettingTable, SplitList) {
  EXPECT_EQ(split_list(""), StringList{});
  EXPECT_EQ(split_list("  "), StringList{});
  EXPECT_EQ(split_list("a"), (StringList{"a"}));
  EXPECT_EQ(split_list(" a b ,\tc"), (StringList{"a b", "c"}));
  EXPECT_EQ(split_list("a,,b,"), (StringList{"a", "", "b", ""}));
}

}  // namespace
}  // namespace jackdaw
