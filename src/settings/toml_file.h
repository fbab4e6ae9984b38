// The grammar of jackdaw.toml: which domain, area and setting each line is about. Knows no setting; merge.cc does.
//
//   domains = ["example.org"]
//   [c2s]
//   max_stanza = "256KiB"
//   [domain."example.org".registration]
//   auto_signup = true
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "settings/setting.h"

namespace jackdaw {

// What a setting cannot be: a table, a date, a fraction, a list with other things than strings.
struct UnfitValue {};

struct WrittenValue {
  std::variant<UnfitValue, bool, std::int64_t, std::string, StringList> value;
  std::string shown;  // as to be shown in a message; printable
};

struct WrittenSetting {
  std::size_t line = 1;
  std::string domain;  // empty: the server; else in lower case
  std::string area, thing;
  WrittenValue written;
};

// A key where a table of settings or `domains` should be, or an empty table.
struct WrittenArea {
  std::size_t line = 1;
  std::string domain, area;
  bool is_table = true;
};

struct WrittenDomain {
  std::size_t line = 1;
  std::string name;  // as written
};

struct FileProblem {
  std::size_t line = 1;
  std::string what;
};

struct WrittenFile {
  std::vector<WrittenDomain> domains;
  std::vector<WrittenSetting> settings;
  std::vector<WrittenArea> areas;
  std::vector<FileProblem> problems;
};

// Reads a whole file. A file that is no TOML has one problem and nothing else.
WrittenFile read_toml(std::string_view text);

}  // namespace jackdaw
