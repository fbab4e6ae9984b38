// What words mean, and what is refused as wrong usage.
// SPDX-License-Identifier: Apache-2.0
#include "admin/command_line.h"

#include <gtest/gtest.h>

#include "admin/operations.h"

namespace jackdaw {
namespace {

Invocation parsed(std::vector<std::string> words) {
  auto result = parse_command_line(all_operations(), std::move(words));
  if (auto* end = std::get_if<CommandLineEnd>(&result)) {
    ADD_FAILURE() << end->text;
    return {};
  }
  return std::get<Invocation>(result);
}

int exit_code_of(std::vector<std::string> words) {
  const auto result = parse_command_line(all_operations(), std::move(words));
  const auto* end = std::get_if<CommandLineEnd>(&result);
  return end ? end->exit_code : -1;
}

TEST(CommandLine, WordsArgumentsAndFlags) {
  const Invocation is = parsed({"user", "add", "romeo@example.org", "--admin", "--data", "here", "--json"});
  ASSERT_NE(is.operation, nullptr);
  EXPECT_EQ(is.operation->words, "user add");
  EXPECT_EQ(is.values.one("jid"), "romeo@example.org");
  EXPECT_TRUE(is.values.has("admin"));
  EXPECT_FALSE(is.values.has("reuse"));
  EXPECT_EQ(is.data_directory, "here");
  EXPECT_TRUE(is.json);
}

TEST(CommandLine, SettingsOfOneRunComeInTheirOrder) {
  const Invocation is = parsed({"serve", "--set", "domains=a,b", "--set=c2s.idle=5m", "--config", "x.toml"});
  EXPECT_EQ(is.values.many("set"), (std::vector<std::string>{"domains=a,b", "c2s.idle=5m"}));
  EXPECT_EQ(is.config_file, "x.toml");
}

// A value may be a word that is an operation elsewhere, or a list.
TEST(CommandLine, ValuesAreNoWords) {
  EXPECT_EQ(parsed({"setting", "set", "log.file", "user"}).values.one("value"), "user");
  EXPECT_EQ(parsed({"setting", "set", "listen.client", "[::1]:5222,*:5222"}).values.one("value"), "[::1]:5222,*:5222");
  EXPECT_EQ(parsed({"setting", "set", "listen.server", ""}).values.one("value"), "");
  EXPECT_TRUE(parsed({"setting", "set", "listen.server", ""}).values.has("value"));
  EXPECT_EQ(parsed({"setting", "set", "a.b", "--", "-3"}).values.one("value"), "-3");
}

TEST(CommandLine, DocumentsNeedNothing) {
  EXPECT_EQ(parsed({"metrics"}).needs(), Needs::server);
  EXPECT_EQ(parsed({"metrics", "--markdown"}).needs(), Needs::nothing);
}

TEST(CommandLine, WrongUsageIsTwo) {
  EXPECT_EQ(exit_code_of({}), 2);
  EXPECT_EQ(exit_code_of({"fly"}), 2);
  EXPECT_EQ(exit_code_of({"user"}), 2);
  EXPECT_EQ(exit_code_of({"user", "add"}), 2);
  EXPECT_EQ(exit_code_of({"user", "add", "romeo@example.org", "secret"}), 2);  // a password is never a word
  EXPECT_EQ(exit_code_of({"user", "add", "romeo@example.org", "--password", "secret"}), 2);
  EXPECT_EQ(exit_code_of({"serve", "here"}), 2);
  EXPECT_EQ(exit_code_of({"status", "--data"}), 2);
}

TEST(CommandLine, HelpIsNoMistake) {
  EXPECT_EQ(exit_code_of({"--help"}), 0);
  EXPECT_EQ(exit_code_of({"user", "--help"}), 0);
  EXPECT_EQ(exit_code_of({"user", "add", "--help"}), 0);
}

// Every operation can be reached by its words, is done by somebody, and asks for no more than one password.
TEST(CommandLine, EveryOperationIsComplete) {
  for (const Operation* operation : all_operations()) {
    EXPECT_FALSE(operation->summary.empty()) << operation->words;
    for (const auto name : operation->concerns)
      EXPECT_TRUE(std::ranges::any_of(operation->arguments, [&](const auto& is) { return is.name == name; }) ||
                  std::ranges::any_of(operation->flags, [&](const auto& is) { return is.name == name; }))
          << operation->words << ' ' << name;
    EXPECT_TRUE(operation->run != nullptr || operation->needs == Needs::program) << operation->words;
    std::vector<std::string> words;
    std::string text{operation->words};
    for (std::size_t space; (space = text.find(' ')) != text.npos; text.erase(0, space + 1))
      words.push_back(text.substr(0, space));
    words.push_back(text);
    for (const auto& argument : operation->arguments)
      if (argument.type != ArgumentType::password) words.emplace_back("x");
    EXPECT_EQ(parsed(words).operation, operation) << operation->words;
  }
}

}  // namespace
}  // namespace jackdaw
