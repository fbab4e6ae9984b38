// The rotation of a log file by size and age, over days that do not have to pass; and where syslog may be.
// SPDX-License-Identifier: Apache-2.0
#include "base/log_sinks.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace jackdaw {
namespace {

namespace fs = std::filesystem;
using WallTime = std::chrono::system_clock::time_point;

class Rotation : public testing::Test {
 protected:
  Rotation() { fs::create_directory(place_); }
  ~Rotation() override { fs::remove_all(place_); }

  void write(RotatingFile& file, std::string_view text, WallTime when) {
    LogLine line{"test", spdlog::level::info, {text.data(), text.size()}};
    line.time = when;
    file.log(line);
    file.flush();
  }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& each : fs::directory_iterator{place_}) names.insert(each.path().filename().string());
    return names;
  }
  std::string text(const std::string& name) const {
    std::ifstream in(place_ / name);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void make(const std::string& name, WallTime when) const {
    std::ofstream{place_ / name} << "old\n";
    fs::last_write_time(place_ / name, std::chrono::file_clock::from_sys(when));
  }

  const fs::path place_ = fs::path{testing::TempDir()} / ("log_sinks_test_" + std::to_string(::getpid()));
  const std::string file_ = place_ / "log";
  const WallTime now_ = std::chrono::system_clock::now();
};

TEST_F(Rotation, NeverWithoutLimits) {
  RotatingFile file{file_, {}};
  for (int day = 0; day < 5; ++day) write(file, "2 SERVER line", now_ + day * 24h);
  EXPECT_EQ(files(), std::set<std::string>{"log"});
}

TEST_F(Rotation, OnceADayAtTheFirstLineBehindMidnight) {
  RotatingFile file{file_, {.after = 24h}};
  const auto midnight = std::chrono::floor<std::chrono::days>(now_) + 72h;  // the tests' time zone is any
  for (int hour = 0; hour < 72; ++hour) write(file, "2 SERVER line", midnight + hour * 1h);
  const auto count = files().size();
  EXPECT_TRUE(count == 3 || count == 4) << count;
}

TEST_F(Rotation, BeforeALineWouldMakeItTooLarge) {
  RotatingFile file{file_, {.size = 200}};
  for (int i = 0; i < 9; ++i) write(file, "2 SERVER line " + std::to_string(i), now_);
  std::string all;
  for (const auto& name : files()) {
    EXPECT_LE(text(name).size(), 200U) << name;
    all += text(name);
  }
  EXPECT_GT(files().size(), 2U);
  for (int i = 0; i < 9; ++i) EXPECT_NE(all.find("line " + std::to_string(i)), all.npos) << i;
}

TEST_F(Rotation, AFileOfYesterdayIsRotatedByTheFirstLine) {
  make("log", now_ - 48h);
  RotatingFile file{file_, {.after = 24h}};
  write(file, "2 SERVER line", now_);
  EXPECT_EQ(files().size(), 2U);
  EXPECT_EQ(text("log").find("old"), std::string::npos);
}

TEST_F(Rotation, RemovesItsOwnOldFilesAlone) {
  for (const std::string name :
       {"log.20200101-000000", "log.20200101-000000-2", "log.notes", "log.2020", "other.20200101-000000"})
    make(name, now_ - 240h);
  make("log.20200102-000000", now_);
  RotatingFile file{file_, {.keep = 48h}};
  EXPECT_EQ(files(),
            (std::set<std::string>{"log", "log.20200102-000000", "log.notes", "log.2020", "other.20200101-000000"}));
}

TEST_F(Rotation, WhatCannotBeRenamedGrowsOn) {
  RotatingFile file{file_, {.size = 100}};
  fs::remove_all(place_);
  for (int i = 0; i < 9; ++i) write(file, "2 SERVER line", now_);
  fs::create_directory(place_);
  write(file, "2 SERVER line", now_);
  EXPECT_TRUE(files().empty());
}

TEST(Syslog, PlacesAndFacilities) {
  for (const std::string text : {"", "local"}) EXPECT_EQ(read_syslog_place(text)->size, 0U) << text;
  EXPECT_EQ(read_syslog_place("192.0.2.7:514")->to.ss_family, AF_INET);
  EXPECT_EQ(read_syslog_place("[2001:db8::7]:514")->to.ss_family, AF_INET6);
  for (const std::string text : {"log.example:514", "192.0.2.7", "192.0.2.7:0", "192.0.2.7:70000", ":514", "Local"})
    EXPECT_FALSE(read_syslog_place(text)) << text;
  EXPECT_EQ(syslog_facility_named("daemon"), 3 << 3);
  EXPECT_EQ(syslog_facility_named("local7"), 23 << 3);
  EXPECT_FALSE(syslog_facility_named("local8"));
}

}  // namespace
}  // namespace jackdaw
