// The sources of settings, their order, and what each may say. The refusals are in merge_refusals_test.cc.
// SPDX-License-Identifier: Apache-2.0
#include "settings/merge.h"

#include <gtest/gtest.h>

#include "settings/sample_rows.h"

namespace jackdaw {
namespace {

using namespace sample;

std::shared_ptr<const Settings> merged(const SettingSources& sources) {
  auto settings = merge(table(), sources);
  if (!settings) throw Bug(settings.failure().what);
  return *settings;
}
std::shared_ptr<const Settings> merged_file(std::string text) { return merged({.file_text = std::move(text)}); }

TEST(Merge, LaterSourcesWin) {
  SettingSources sources;
  EXPECT_EQ(merged(sources)->value(c2s_idle), 10min);
  sources.stored = {{"", "c2s.idle", "11m"}};
  EXPECT_EQ(merged(sources)->value(c2s_idle), 11min);
  sources.file_text = "[c2s]\nidle = \"12m\"";
  EXPECT_EQ(merged(sources)->value(c2s_idle), 12min);
  sources.command_line = {"c2s.idle=13m"};
  EXPECT_EQ(merged(sources)->value(c2s_idle), 13min);
  sources.command_line.push_back("c2s.idle=14m");
  EXPECT_EQ(merged(sources)->value(c2s_idle), 14min);
}

TEST(Merge, LaterSourcesWinForOneDomain) {
  SettingSources sources{.stored = {{"Example.org", "c2s.idle", "11m"}}, .command_line = {"c2s.idle=20m"}};
  EXPECT_EQ(merged(sources)->value(c2s_idle, "example.org"), 11min);
  EXPECT_EQ(merged(sources)->value(c2s_idle), 20min);
  sources.file_text = "[domain.\"example.org\".c2s]\nidle = \"12m\"";
  EXPECT_EQ(merged(sources)->value(c2s_idle, "example.org"), 12min);
  sources.command_line.push_back("domain.example.org.c2s.idle=13m");
  EXPECT_EQ(merged(sources)->value(c2s_idle, "example.org"), 13min);
  sources.command_line.push_back("domain.\"EXAMPLE.org\".c2s.idle=14m");
  EXPECT_EQ(merged(sources)->value(c2s_idle, "example.org"), 14min);
}

TEST(Merge, EveryTypeFromTheFile) {
  auto settings = merged_file(R"(
[c2s]
idle = "90s"
max_stanza = "1MiB"
mechanisms = ["PLAIN"]
port = 5223
[log]
level = "all"
note = """
two
lines"""
[registration]
auto_signup = true
admins = []
)");
  EXPECT_EQ(settings->value(c2s_idle), 90s);
  EXPECT_EQ(settings->value(c2s_max_stanza), 1024 * 1024);
  EXPECT_EQ(settings->value(c2s_mechanisms), (StringList{"PLAIN"}));
  EXPECT_EQ(settings->value(c2s_port), 5223);
  EXPECT_EQ(settings->value(log_level), "all");
  EXPECT_EQ(settings->value(log_note), "two\nlines");
  EXPECT_TRUE(settings->value(registration_auto_signup));
  EXPECT_EQ(settings->value(registration_admins), StringList{});
}

TEST(Merge, PlainNumbersAreSecondsAndBytes) {
  auto settings = merged_file("[c2s]\nidle = 90\nmax_stanza = 20_000\n");
  EXPECT_EQ(settings->value(c2s_idle), 90s);
  EXPECT_EQ(settings->value(c2s_max_stanza), 20'000);
}

TEST(Merge, DottedKeysAndInlineTablesAreTheSame) {
  auto settings = merged_file(
      "c2s.idle = 90\nc2s.port = 1\nlog = {level = \"all\"}\n"
      "domain.\"example.org\".c2s.idle = 30\n");
  EXPECT_EQ(settings->value(c2s_idle), 90s);
  EXPECT_EQ(settings->value(c2s_port), 1);
  EXPECT_EQ(settings->value(log_level), "all");
  EXPECT_EQ(settings->value(c2s_idle, "example.org"), 30s);
}

TEST(Merge, EmptyTablesOfKnownAreasAreFine) {
  auto settings = merged_file("[c2s]\n[log]\n[domain]\n[domain.\"a.example\"]\n[domain.\"a.example\".c2s]\n");
  EXPECT_EQ(settings->value(c2s_idle), 10min);
}

TEST(Merge, EveryTypeFromTheCommandLine) {
  auto settings = merged({.command_line = {"c2s.idle=2h", "c2s.max_stanza=64KiB", "c2s.mechanisms=PLAIN, SCRAM-SHA-1",
                                           "log.note=a=b", "registration.auto_signup=true", "registration.admins="}});
  EXPECT_EQ(settings->value(c2s_idle), 2h);
  EXPECT_EQ(settings->value(c2s_max_stanza), 65536);
  EXPECT_EQ(settings->value(c2s_mechanisms), (StringList{"PLAIN", "SCRAM-SHA-1"}));
  EXPECT_EQ(settings->value(log_note), "a=b");
  EXPECT_TRUE(settings->value(registration_auto_signup));
  EXPECT_EQ(settings->value(registration_admins), StringList{});
}

TEST(Merge, DomainsOfTheFileInLowerCase) {
  EXPECT_EQ(merged_file("")->domains(), StringList{});
  EXPECT_EQ(merged_file("domains = [\"Example.ORG\", \"b.example\"]")->domains(),
            (StringList{"example.org", "b.example"}));
}

TEST(Merge, DomainsOfTheCommandLineReplaceTheFiles) {
  SettingSources sources{.file_text = "domains = [\"a.example\"]", .command_line = {"domains=B.example,a.example"}};
  EXPECT_EQ(merged(sources)->domains(), (StringList{"b.example", "a.example"}));
  sources.command_line.push_back("domains=c.example");  // two of them add up
  EXPECT_EQ(merged(sources)->domains(), (StringList{"b.example", "a.example", "c.example"}));
}

TEST(Merge, StoredChangesWithoutASettingAreKeptAside) {
  auto settings =
      merged({.stored = {{"", "gone.thing", "1"}, {"a.example", "gone.other", "2"}, {"", "c2s.idle", "1h"}}});
  EXPECT_EQ(settings->value(c2s_idle), 1h);
  EXPECT_EQ(settings->unused_changes(), (StringList{"gone.thing", "domain.\"a.example\".gone.other"}));
}

TEST(Merge, ByteOrderMarkAndWindowsLineEnds) {
  EXPECT_EQ(merged_file("\xEF\xBB\xBF[c2s]\r\nidle = 90\r\n")->value(c2s_idle), 90s);
}

TEST(Merge, OutlivesItsTable) {
  std::shared_ptr<const Settings> settings;
  {
    SettingTable passing = table();
    auto result = merge(passing, {.command_line = {"c2s.idle=2h"}});
    ASSERT_TRUE(result.ok());
    settings = *result;
  }
  EXPECT_EQ(settings->value(c2s_idle), 2h);
}

}  // namespace
}  // namespace jackdaw
