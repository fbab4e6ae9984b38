// What lines look like in the file, and that no peer can write one of its own.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/log_output.h"
#include "base/log_rules.h"

namespace jackdaw {
namespace {

using namespace std::string_literals;

class LogFile : public testing::Test {
 protected:
  LogFile() {
    std::remove(file_.c_str());
    EXPECT_EQ(open_log(file_), "");
    set_log_level(LogLevel::low_level);
  }
  ~LogFile() override {
    close_log();
    set_log_level(LogLevel::major);
    std::remove(file_.c_str());
  }
  // Everything logged so far, without the time in front of each line.
  std::string lines() {
    close_log();
    std::ifstream in(file_);
    std::ostringstream out;
    for (std::string line; std::getline(in, line);)
      out << (line.size() > 24 ? line.substr(24) : "no time: " + line) << '\n';
    return out.str();
  }

  const std::string file_ = testing::TempDir() + "/log_test_" + std::to_string(::getpid());
  const Log log_{"XMPPS-000123"};
};

TEST_F(LogFile, OneLineAnEventWithItsFields) {
  log_.info("session bound", {{"jid", "romeo@montague.lan"}, {"core", 3}});
  log_.crash("bug");
  EXPECT_EQ(lines(), "4 XMPPS-000123 session bound jid=romeo@montague.lan core=3\n0 XMPPS-000123 bug\n");
}

TEST_F(LogFile, QuotesWhatCouldBeTakenForSomethingElse) {
  log_.problem("refused", {{"a", "two words"}, {"b", ""}, {"c", "x=\"y\""}, {"d", "back\\slash"}});
  EXPECT_EQ(lines(), "3 XMPPS-000123 refused a=\"two words\" b=\"\" c=\"x=\\\"y\\\"\" d=\"back\\\\slash\"\n");
}

TEST_F(LogFile, NobodyWritesALineOfTheirOwn) {
  log_.problem("refused", {{"name", "x\r\n2026-11-20 00:00:00.000 0 SERVER forged"}, {"esc", "\x1b[2J\0\x7f"s}});
  EXPECT_EQ(lines(),
            "3 XMPPS-000123 refused name=\"x\\x0d\\x0a2026-11-20 00:00:00.000 0 SERVER forged\" "
            "esc=\"\\x1b[2J\\x00\\x7f\"\n");
}

TEST_F(LogFile, LeavesOutWhatIsAboveTheLevel) {
  set_log_level(LogLevel::failures);
  log_.failure("disk full");
  log_.major("started");
  log_.all("detail");
  EXPECT_TRUE(log_.wants(LogLevel::crashes));
  EXPECT_FALSE(log_.wants(LogLevel::major));
  EXPECT_EQ(lines(), "1 XMPPS-000123 disk full\n");
}

TEST(Log, SaysWhyAFileCannotBeOpened) {
  const auto why = open_log("/proc/no/such/log");
  EXPECT_NE(why.find("/proc/no/such/log"), std::string::npos) << why;
}

TEST(Log, LevelsHaveTheirNames) {
  EXPECT_EQ(name_of(LogLevel::crashes), "crashes");
  EXPECT_EQ(name_of(LogLevel::low_level), "low-level");
  EXPECT_EQ(name_of(LogLevel::all), "all");
}

}  // namespace
}  // namespace jackdaw
