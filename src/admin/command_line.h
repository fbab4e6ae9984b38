// The command line, made of the operations table: `jackdaw user add romeo@example.org --admin`.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "router/operation.h"

namespace jackdaw {

// The words and what they mean.
struct Invocation {
  const Operation* operation = nullptr;
  OperationValues values;  // without a password
  std::string data_directory = "data";
  std::string config_file;
  std::string as;  // the account in whose name; empty: whose the data directory is
  bool json = false;

  Needs needs() const { return values.has("markdown") ? Needs::nothing : operation->needs; }
};

// Nothing is to be done: what to print, and the exit code: 0 after --help, 2 for wrong usage.
struct CommandLineEnd {
  int exit_code = 0;
  std::string text;
};

// `words` without the program's name.
std::variant<Invocation, CommandLineEnd> parse_command_line(const std::vector<const Operation*>& operations,
                                                            std::vector<std::string> words);

// The argument that is a password; null when there is none.
const OperationArgument* password_of(const Operation& operation);

}  // namespace jackdaw
