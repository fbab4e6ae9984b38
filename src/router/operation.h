// Operation: one thing an administrator can do, as a row of the operations table: the command line, the manual and the
// documents are made of the rows. Rows live until the process ends.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "router/rights.h"
#include "settings/table.h"

namespace jackdaw {

struct Module;
struct Operation;
struct OperationContext;
struct Server;
class Session;

// value: of a setting, which may be a secret.
enum class ArgumentType { text, jid, domain, setting, value, file, number, password };
// How often an argument or a flag's value comes.
enum class Times { once, optional, many };

// A word behind the operation's. A password is never written there: it is asked for, or read from standard input.
struct OperationArgument {
  std::string_view name;
  ArgumentType type = ArgumentType::text;
  std::string_view help;
  Times times = Times::once;
};

// "--name", or with a type "--name VALUE".
struct OperationFlag {
  std::string_view name;
  std::string_view help;
  std::optional<ArgumentType> value = std::nullopt;
  Times times = Times::optional;
  Right right = Right::nothing;  // needed for it too, on the whole server
};

// What was given, by name of argument or flag; a flag without a value is there or not.
class OperationValues {
 public:
  void add(std::string_view name, std::string value) { values_[std::string{name}].push_back(std::move(value)); }
  bool has(std::string_view name) const { return values_.contains(name); }
  // The last one given; empty when there is none.
  std::string one(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() || found->second.empty() ? std::string{} : found->second.back();
  }
  std::vector<std::string> many(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>{} : found->second;
  }
  const std::map<std::string, std::vector<std::string>, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

using OperationCell = std::variant<std::string, std::int64_t, bool>;

// `list`: any number of rows; `record`: one row, each column a line of its own.
struct OperationTable {
  enum class Shape { list, record } shape = Shape::list;
  std::vector<std::string> columns;
  std::vector<std::vector<OperationCell>> rows = {};
};

// A table, or text that is ready to be printed (lines end in "\n"); with a table the text is a remark.
struct OperationAnswer {
  std::string text;
  std::optional<OperationTable> table = std::nullopt;
};

// Failure: refused, and why, in one line.
using OperationResult = Result<OperationAnswer>;

// What an operation may use. It runs on the first core, except with Needs::nothing, which runs anywhere and has no
// server.
struct OperationContext {
  Server* server = nullptr;
  const SettingTable* settings = nullptr;
  const std::vector<const Module*>* modules = nullptr;
  const std::vector<const Operation*>* operations = nullptr;
  bool serves = false;  // people; else it is there for one operation on the store
  // Reads all sources of settings again and applies them; a Failure keeps what ran. Where nobody is served: whether a
  // server could start with them.
  std::function<Task<Result<Done>>()> reload = {};
  // The account that a name and a password prove. Failure: why not.
  std::function<Task<Result<BareJid>>(std::string jid, std::string password)> prove = {};
  // Who has it done; nobody may do anything. And the session by which they do, held by who calls: a change of their own
  // password does not end it.
  Actor actor = {};
  const Session* session = nullptr;
  int under_way = 0;              // operations that are being done; of the one context that all faces share
  double stanzas_per_second = 0;  // over the last interval; of a server that serves
};

// nothing: only the tables. store: the server, or the store when none serves. server: one that serves. program: the
// program itself does it, there is no function.
enum class Needs { nothing, store, server, program };

struct Operation {
  std::string_view words;  // "user add"
  std::vector<OperationArgument> arguments = {};
  std::vector<OperationFlag> flags = {};
  std::string_view summary;  // one sentence
  // Needed for the domains of the arguments and flags that `concerns` names; for the whole server when none of them is
  // given.
  Right right = Right::all;
  std::vector<std::string_view> concerns = {};
  // What it needs beyond that. Failure: why they may not. Not asked for who may do everything. Null: nothing more.
  Result<Done> (*may)(const OperationContext&, const OperationValues&) = nullptr;
  Needs needs = Needs::store;
  Task<OperationResult> (*run)(OperationContext&, OperationValues) = nullptr;
};

}  // namespace jackdaw
