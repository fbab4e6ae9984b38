// The generated pages: the file to begin with means the defaults, commented or not; the documentation has every row.
// SPDX-License-Identifier: Apache-2.0
#include "settings/pages.h"

#include <gtest/gtest.h>

#include <sstream>

#include "settings/merge.h"
#include "settings/sample_rows.h"
#include "settings/setting_text.h"

namespace jackdaw {
namespace {

// "#name = value" lines without their "#"; prose has a blank behind it.
std::string uncommented(const std::string& file, std::size_t& lines) {
  std::istringstream in{file};
  std::string out, line;
  while (std::getline(in, line)) {
    bool is_setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    lines += is_setting;
    out += (is_setting ? line.substr(1) : line) + '\n';
  }
  return out;
}

TEST(Pages, CommentedFileMeansTheDefaults) {
  SettingTable table = sample::table();
  std::string file = commented_file(table, {"example.org", "example.net"});
  auto settings = merge(table, {.file_name = "jackdaw.toml", .file_text = file});
  ASSERT_TRUE(settings.ok()) << settings.failure().what << '\n' << file;
  EXPECT_EQ((*settings)->domains(), (StringList{"example.org", "example.net"}));
  for (const SettingRow* row : table.rows()) {
    EXPECT_EQ((*settings)->reveal(*row), text_of(*row, row->fallback)) << row->name;
    EXPECT_EQ((*settings)->describe(*row).origin, Origin::fallback) << row->name;
  }
}

TEST(Pages, UncommentingEveryLineChangesNoValue) {
  SettingTable table = sample::table();
  std::size_t lines = 0;
  std::string file = uncommented(commented_file(table, {"example.org"}), lines);
  EXPECT_EQ(lines, table.rows().size());
  auto settings = merge(table, {.file_name = "jackdaw.toml", .file_text = file});
  ASSERT_TRUE(settings.ok()) << settings.failure().what << '\n' << file;
  for (const SettingRow* row : table.rows()) {
    EXPECT_EQ((*settings)->reveal(*row), text_of(*row, row->fallback)) << row->name;
    EXPECT_EQ((*settings)->describe(*row).origin, Origin::file) << row->name;
  }
}

TEST(Pages, CommentedFileOfOneRow) {
  SettingTable table{{rows(sample::registration_auto_signup)}};
  std::string file = commented_file(table, {"example.org"});
  EXPECT_TRUE(
      file.ends_with("# The domains this server answers for.\n"
                     "domains = [\"example.org\"]\n"
                     "\n"
                     "[registration]\n"
                     "\n"
                     "# Let clients register accounts by themselves (XEP-0077).\n"
                     "# Allowed: true or false. May also be set for one domain. Takes effect at restart.\n"
                     "#auto_signup = false\n"))
      << file;
}

TEST(Pages, CommentedFileWithoutDomainsOrRows) {
  auto settings = merge(SettingTable{}, {.file_text = commented_file(SettingTable{}, {})});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ((*settings)->domains(), StringList{});
}

TEST(Pages, MarkdownHasEveryRowOnce) {
  SettingTable table = sample::table();
  std::string page = markdown(table);
  EXPECT_EQ(page, markdown(sample::table()));
  for (const SettingRow* row : table.rows()) {
    std::string start = "\n| `" + std::string{row->name} + "` | ";
    std::size_t found = page.find(start);
    ASSERT_NE(found, std::string::npos) << row->name;
    EXPECT_EQ(page.find(start, found + 1), std::string::npos) << row->name;
  }
  EXPECT_NE(page.find("\n## c2s\n\n| name | type | default | allowed | scope | takes effect | what it does |\n"),
            std::string::npos);
  EXPECT_LT(page.find("\n## archive\n"), page.find("\n## c2s\n"));
}

TEST(Pages, MarkdownLines) {
  std::string page = markdown(sample::table());
  for (const char* line :
       {"| `c2s.max_stanza` | size | `\"256KiB\"` | 10000 to 16777216 (bytes) | domain | at once | The largest "
        "stanza a client may send. A larger one closes its stream. |\n",
        "| `c2s.port` | whole number | `5222` | 1 to 65535 | listener | at restart | The port clients connect "
        "to. |\n",
        "| `archive.offset` | whole number | `-3` | any whole number | server | at once | Any whole number at all "
        "\\| for the tests. |\n",
        "| `directory.password` | string, secret | none | any string | domain | at once | What the server shows to "
        "the directory. |\n"}) {
    EXPECT_NE(page.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace jackdaw
