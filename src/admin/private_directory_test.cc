// The data directory is private, has one owner at a time, and its files are replaced in one step.
// SPDX-License-Identifier: Apache-2.0
#include "admin/private_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "store/store_test_tools.h"

namespace jackdaw {
namespace {

mode_t mode_of(const std::string& file) {
  struct stat is{};
  EXPECT_EQ(::stat(file.c_str(), &is), 0) << file;
  return is.st_mode & 07777;
}

std::string content_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream{file}.rdbuf();
  return text.str();
}

TEST(DataDirectory, IsMadePrivate) {
  const TestDirectory directory;
  const std::string data = directory.file("a/b/data");
  ASSERT_TRUE(prepare_data_directory(data));
  EXPECT_EQ(mode_of(data), 0700u);
  EXPECT_TRUE(prepare_data_directory(data));
}

TEST(DataDirectory, AnEmptyOneIsClosedToOthers) {
  const TestDirectory directory;
  ::chmod(directory.path().c_str(), 0755);
  ASSERT_TRUE(prepare_data_directory(directory.path()));
  EXPECT_EQ(mode_of(directory.path()), 0700u);
}

TEST(DataDirectory, AnOpenOneWithFilesIsRefused) {
  const TestDirectory directory;
  std::ofstream{directory.file("letter")} << "x";
  ::chmod(directory.path().c_str(), 0755);
  const auto prepared = prepare_data_directory(directory.path());
  ASSERT_FALSE(prepared);
  EXPECT_NE(prepared.failure().what.find("chmod 0700"), std::string::npos) << prepared.failure().what;
  EXPECT_EQ(mode_of(directory.path()), 0755u);
}

TEST(DataDirectory, AFileIsNone) {
  const TestDirectory directory;
  std::ofstream{directory.file("letter")} << "x";
  EXPECT_FALSE(prepare_data_directory(directory.file("letter")));
}

TEST(DataLock, HasOneHolder) {
  const TestDirectory directory;
  auto first = DataLock::take(directory.path());
  ASSERT_TRUE(first && *first);
  const auto second = DataLock::take(directory.path());
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->has_value());
  first->reset();
  const auto third = DataLock::take(directory.path());
  EXPECT_TRUE(third && *third);
}

TEST(DataLock, NeedsADirectory) { EXPECT_FALSE(DataLock::take("/nowhere/at/all")); }

TEST(WriteFileSafely, MakesAndReplaces) {
  const TestDirectory directory;
  const std::string file = directory.file("jackdaw.toml");
  ASSERT_TRUE(write_file_safely(file, "one"));
  EXPECT_EQ(mode_of(file), 0600u);
  ::chmod(file.c_str(), 0640);
  ASSERT_TRUE(write_file_safely(file, "two"));
  EXPECT_EQ(content_of(file), "two");
  EXPECT_EQ(mode_of(file), 0640u);
  EXPECT_FALSE(std::filesystem::exists(file + ".new"));
}

TEST(WriteFileSafely, SaysWhyNot) {
  const auto written = write_file_safely("/nowhere/at/all", "x");
  ASSERT_FALSE(written);
  EXPECT_NE(written.failure().what.find("/nowhere/at/all"), std::string::npos);
}

}  // namespace
}  // namespace jackdaw
