// What setup does to a settings file: the first one is whole; a later one changes what was asked, and nothing else.
// SPDX-License-Identifier: Apache-2.0
#include "admin/setup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "settings/pages.h"
#include "store/store_test_tools.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

const SettingTable& table() {
  static const SettingTable made{{stream_settings()}};
  return made;
}

std::string content_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream{file}.rdbuf();
  return text.str();
}

TEST(Setup, DomainsAreChecked) {
  const auto good = domains_from_text("Example.ORG, b.example");
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, (std::vector<std::string>{"example.org", "b.example"}));
  EXPECT_FALSE(domains_from_text("a b"));
  EXPECT_FALSE(domains_from_text(" , "));
}

TEST(Setup, DomainsAreReplacedWhereTheyStand) {
  EXPECT_EQ(with_domains("# x\ndomains = [\"a\"] # mine\n[c2s]\nidle = 10\n", {"b", "c"}),
            "# x\ndomains = [\"b\", \"c\"] # mine\n[c2s]\nidle = 10\n");
  EXPECT_EQ(with_domains("domains=[\n  \"a]\", # not ]\n  'b'\n]\n", {"c"}), "domains = [\"c\"]\n");
  EXPECT_EQ(with_domains("[c2s]\ndomains = [\"no\"]\n", {"c"}), "domains = [\"c\"]\n[c2s]\ndomains = [\"no\"]\n");
  EXPECT_EQ(with_domains("#domains = []\ndomains_of = 1\n", {"c"}),
            "domains = [\"c\"]\n#domains = []\ndomains_of = 1\n");
  EXPECT_EQ(with_domains("", {"c"}), "domains = [\"c\"]\n");
  EXPECT_EQ(with_domains("domains", {"c"}), "domains = [\"c\"]\ndomains");
}

TEST(Setup, TheFirstFileIsWhole) {
  const TestDirectory directory;
  const std::string file = directory.file("jackdaw.toml");
  ASSERT_TRUE(write_settings_file(table(), file, {"example.org"}));
  EXPECT_EQ(content_of(file), commented_file(table(), {"example.org"}));
  EXPECT_EQ(*domains_of_file(table(), file), (std::vector<std::string>{"example.org"}));
}

TEST(Setup, ItMayRunAgain) {
  const TestDirectory directory;
  const std::string file = directory.file("jackdaw.toml");
  ASSERT_TRUE(write_settings_file(table(), file, {"example.org"}));
  std::ofstream{file, std::ios::app} << "[domain.\"example.org\".c2s]\nmax_resources = 3\n";
  const std::string before = content_of(file);
  ASSERT_TRUE(write_settings_file(table(), file, {}));
  ASSERT_TRUE(write_settings_file(table(), file, {"example.org"}));
  EXPECT_EQ(content_of(file), before);
  ASSERT_TRUE(write_settings_file(table(), file, {"example.org", "b.example"}));
  EXPECT_EQ(*domains_of_file(table(), file), (std::vector<std::string>{"example.org", "b.example"}));
  EXPECT_NE(content_of(file).find("max_resources = 3"), std::string::npos);
}

TEST(Setup, AWrongFileStaysAsItIs) {
  const TestDirectory directory;
  const std::string file = directory.file("jackdaw.toml");
  std::ofstream{file} << "[c2s]\nidle = \"long\"\n";
  const auto written = write_settings_file(table(), file, {"example.org"});
  ASSERT_FALSE(written);
  EXPECT_NE(written.failure().what.find("c2s.idle"), std::string::npos) << written.failure().what;
  EXPECT_EQ(content_of(file), "[c2s]\nidle = \"long\"\n");
}

}  // namespace
}  // namespace jackdaw
