// A talk as it is written down: read_talk() turns the file into statements. README.md has the grammar.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace jackdaw::talks {

struct Statement {
  enum class What { cast, send, expect, expect_any_order, act, clock } what;
  int line = 0;
  std::string who;
  std::string text;  // what is sent or expected, the action, the JID, or the seconds
};

struct Talk {
  std::string file;
  std::vector<std::string> domains;
  std::vector<std::string> settings;  // name=value
  std::vector<Statement> statements;
  bool moves_clock = false;
};

// False: `why` is "file:line: what is wrong".
bool read_talk(const std::string& file, Talk& talk, std::string& why);

}  // namespace jackdaw::talks
