// A snapshot: values by type and domain, what people see of them, what waits for a restart.
// SPDX-License-Identifier: Apache-2.0
#include "settings/settings.h"

#include <gtest/gtest.h>

#include "settings/merge.h"
#include "settings/sample_rows.h"

namespace jackdaw {
namespace {

using namespace sample;

std::shared_ptr<const Settings> merged(const SettingSources& sources) {
  auto settings = merge(table(), sources);
  if (!settings) throw Bug(settings.failure().what);
  return *settings;
}

DescribedValue described(const Settings& settings, std::string_view name, std::string_view domain = {}) {
  return settings.describe(*settings.table().find(name), domain);
}

TEST(Settings, FallbacksWithAndWithoutATable) {
  for (const Settings& settings : {Settings{}, Settings{table()}}) {
    EXPECT_EQ(settings.value(c2s_idle), 10min);
    EXPECT_EQ(settings.value(c2s_max_stanza), 256 * 1024);
    EXPECT_EQ(settings.value(c2s_mechanisms), (StringList{"SCRAM-SHA-256", "PLAIN"}));
    EXPECT_EQ(settings.value(log_level), "major");
    EXPECT_FALSE(settings.value(registration_auto_signup));
    EXPECT_EQ(settings.value(registration_admins), StringList{});
    EXPECT_EQ(settings.value(c2s_idle, "example.org"), 10min);
  }
}

TEST(Settings, DomainsOwnValueElseTheServers) {
  auto settings = merged({.file_text = "[c2s]\nidle = \"5m\"\n[domain.\"Example.ORG\".c2s]\nidle = \"1h\"\n"});
  EXPECT_EQ(settings->value(c2s_idle), 5min);
  EXPECT_EQ(settings->value(c2s_idle, "example.org"), 1h);
  EXPECT_EQ(settings->value(c2s_idle, "example.net"), 5min);
  EXPECT_EQ(settings->value(c2s_max_stanza, "example.org"), 256 * 1024);
  EXPECT_EQ(settings->domains_with_own_values(), (StringList{"example.org"}));
}

TEST(Settings, TheSameNameWithAnotherTypeIsOurMistake) {
  static constexpr Setting<bool> impostor{.name = "c2s.idle", .help = "x"};
  EXPECT_THROW((void)Settings{table()}.value(impostor), Bug);
}

TEST(Settings, DescribeSaysTextAndOrigin) {
  auto settings = merged({.stored = {{"", "c2s.idle", "2h"}, {"example.org", "c2s.max_stanza", "1MiB"}},
                          .file_text = "[log]\nlevel = \"all\"\n[domain.\"example.org\".c2s]\nidle = 60\n",
                          .command_line = {"c2s.port=5269"}});
  EXPECT_EQ(described(*settings, "c2s.idle").text, "2h");
  EXPECT_EQ(described(*settings, "c2s.idle").origin, Origin::stored);
  EXPECT_FALSE(described(*settings, "c2s.idle").is_pinned());
  EXPECT_EQ(described(*settings, "log.level").origin, Origin::file);
  EXPECT_TRUE(described(*settings, "log.level").is_pinned());
  EXPECT_EQ(described(*settings, "c2s.port").origin, Origin::command_line);
  EXPECT_TRUE(described(*settings, "c2s.port").is_pinned());
  EXPECT_EQ(described(*settings, "archive.offset").text, "-3");
  EXPECT_EQ(described(*settings, "archive.offset").origin, Origin::fallback);

  DescribedValue own = described(*settings, "c2s.idle", "example.org");
  EXPECT_EQ(own.text, "1m");
  EXPECT_TRUE(own.is_pinned());
  EXPECT_EQ(described(*settings, "c2s.max_stanza", "example.org").origin, Origin::stored);

  // What is pinned for the server does not keep a domain from having its own.
  DescribedValue inherited = described(*settings, "log.level", "example.net");
  EXPECT_TRUE(inherited.inherited);
  EXPECT_EQ(inherited.origin, Origin::file);
  EXPECT_FALSE(inherited.is_pinned());
}

TEST(Settings, SecretsAreShownByRevealOnly) {
  auto settings = merged({.file_text = "[directory]\npassword = \"opensesame\"\n"});
  const SettingRow& row = *settings->table().find("directory.password");
  EXPECT_EQ(settings->describe(row).text, "(secret)");
  EXPECT_EQ(settings->describe(row, "example.org").text, "(secret)");
  EXPECT_EQ(settings->reveal(row), "opensesame");
  EXPECT_EQ(settings->value(directory_password), "opensesame");
  EXPECT_EQ(merged({})->describe(row).text, "");  // that none is set is no secret
}

TEST(Settings, ARowOfNoTableIsDescribedByItsFallback) {
  DescribedValue value = Settings{}.describe(*rows(c2s_idle)[0], "example.org");
  EXPECT_EQ(value.text, "10m");
  EXPECT_EQ(value.origin, Origin::fallback);
}

TEST(Settings, ChangedNeedingRestart) {
  auto before = merged({.file_text = "[c2s]\nidle = 60\n[domain.\"b.example\".registration]\nauto_signup = true\n"});
  EXPECT_EQ(changed_needing_restart(*before, *before), StringList{});

  auto live_only = merged({.file_text = "[domain.\"b.example\".registration]\nauto_signup = true\n"});
  EXPECT_EQ(changed_needing_restart(*before, *live_only), StringList{});

  auto after = merged({.file_text = "[c2s]\nport = 5000\n[domain.\"a.example\".registration]\nauto_signup = true\n"});
  StringList expected{"c2s.port", "domain.\"a.example\".registration.auto_signup",
                      "domain.\"b.example\".registration.auto_signup"};
  EXPECT_EQ(changed_needing_restart(*before, *after), expected);

  // A domain that follows the server is not told twice.
  auto followers = merged({.file_text = "[registration]\nauto_signup = true\n"});
  EXPECT_EQ(changed_needing_restart(*before, *followers), (StringList{"registration.auto_signup"}));
  EXPECT_EQ(changed_needing_restart(Settings{}, *followers), (StringList{"registration.auto_signup"}));
}

}  // namespace
}  // namespace jackdaw
