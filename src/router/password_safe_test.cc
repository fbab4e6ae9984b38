// What the safe gives back, to whom, and where the key is.
// SPDX-License-Identifier: Apache-2.0
#include "router/password_safe.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace jackdaw {
namespace {

class Safe : public testing::Test {
 protected:
  Safe() { std::filesystem::create_directory(place_); }
  ~Safe() override { std::filesystem::remove_all(place_); }
  const std::string place_ = testing::TempDir() + "/password_safe_test_" + std::to_string(::getpid());
  const std::string romeo_ = "romeo@montague.lan", juliet_ = "juliet@capulet.lan";
};

TEST_F(Safe, GivesItsOwnBackAfterARestart) {
  const auto sealed = PasswordSafe{place_}.seal(romeo_, "r0m30");
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->find("r0m30"), sealed->npos);
  EXPECT_EQ(*PasswordSafe{place_}.open(romeo_, *sealed), "r0m30");
  struct stat file{};
  ASSERT_EQ(::stat((place_ + "/password.key").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(Safe, NeverTheSameTwice) {
  PasswordSafe safe{place_};
  EXPECT_NE(*safe.seal(romeo_, "r0m30"), *safe.seal(romeo_, "r0m30"));
}

TEST_F(Safe, NothingOfSomebodyElseAndNothingThatWasChanged) {
  PasswordSafe safe{place_};
  std::string sealed = *safe.seal(romeo_, "r0m30");
  EXPECT_FALSE(safe.open(juliet_, sealed)->has_value());
  sealed.back() ^= 1;
  EXPECT_FALSE(safe.open(romeo_, sealed)->has_value());
  EXPECT_FALSE(safe.open(romeo_, "")->has_value());
  EXPECT_FALSE(safe.open(romeo_, std::string(28, 'x'))->has_value());
}

TEST_F(Safe, AnotherKeyOpensNothingAndABrokenOneIsSaid) {
  const std::string sealed = *PasswordSafe{place_}.seal(romeo_, "r0m30");
  std::ofstream{place_ + "/password.key"} << std::string(32, 'k');
  EXPECT_FALSE(PasswordSafe{place_}.open(romeo_, sealed)->has_value());
  std::ofstream{place_ + "/password.key"} << "short";
  EXPECT_FALSE(PasswordSafe{place_}.seal(romeo_, "r0m30"));
  EXPECT_FALSE(PasswordSafe{place_}.open(romeo_, sealed));
}

}  // namespace
}  // namespace jackdaw
