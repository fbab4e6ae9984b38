// SPDX-License-Identifier: Apache-2.0
#include "admin/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <sstream>

#include "admin/pages.h"
#include "base/version.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

// The parser of one operation, and where its words end up.
struct Leaf {
  const Operation* operation = nullptr;
  CLI::App* app = nullptr;
  std::vector<std::pair<std::string, CLI::Option*>> options;
};

std::string upper_case(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
  return out;
}

// Whoever is named twice, or not at all, is not whom the command is done for.
void take_actor(Invocation& invocation, const std::string& jid) {
  if (jid.empty()) throw CLI::ValidationError("--as", "no address is named");
  if (!invocation.as.empty()) throw CLI::ValidationError("--as", "is there more than once");
  invocation.as = jid;
}

enum class DoneBy { server, itself };

void add_everywhere(CLI::App& app, Invocation& invocation, DoneBy by) {
  app.add_option("--data", invocation.data_directory, "The data directory (JACKDAW_DATA, or data).")->type_name("DIR");
  app.add_option("--config", invocation.config_file, "The settings file (jackdaw.toml in the data directory).")
      ->type_name("FILE");
  if (by == DoneBy::server)
    app.add_option_function<std::string>(
           "--as", [&invocation](const std::string& jid) { take_actor(invocation, jid); },
           "Does it with the rights of this account, whose password is asked for.")
        ->type_name("JID");
  app.add_flag("--json", invocation.json, "Prints for programs.");
}

void add_flag(Leaf& leaf, const OperationFlag& flag) {
  const std::string name = "--" + std::string{flag.name};
  const std::string help{flag.help};
  CLI::Option* option = nullptr;
  if (flag.value) {
    option = leaf.app->add_option(name, help)->type_name(upper_case(flag.name));
    if (flag.times == Times::many) option->expected(1, 1000)->allow_extra_args(false)->take_all();
  } else {
    option = leaf.app->add_flag(name, help);
  }
  leaf.options.emplace_back(flag.name, option);
}

Leaf make_leaf(CLI::App& parent, std::string name, const Operation& operation, Invocation& invocation) {
  Leaf leaf{&operation, parent.add_subcommand(std::move(name), std::string{operation.summary}), {}};
  for (const auto& argument : operation.arguments) {
    if (argument.type == ArgumentType::password) {
      add_flag(leaf, {"password-stdin", "Reads the password from standard input."});
      continue;
    }
    const std::string help{argument.help};
    CLI::Option* option = leaf.app->add_option(std::string{argument.name}, help);
    option->type_name("")->required(argument.times == Times::once);
    leaf.options.emplace_back(argument.name, option);
  }
  for (const auto& flag : operation.flags) add_flag(leaf, flag);
  const bool asks = operation.needs == Needs::store || operation.needs == Needs::server;
  add_everywhere(*leaf.app, invocation, asks ? DoneBy::server : DoneBy::itself);
  if (operation.right != Right::nothing)
    leaf.app->footer("Right: " + right_of(operation) + " (docs/administrators.md).");
  return leaf;
}

std::string_view help_of_group(std::string_view group) {
  static const std::map<std::string_view, std::string_view> helps{{"user", "Accounts."},
                                                                  {"alias", "Other names of accounts."},
                                                                  {"queue", "What waits for other servers."},
                                                                  {"log", "How much is logged."},
                                                                  {"cert", "Certificates of the domains."},
                                                                  {"listen", "Sockets it listens on."},
                                                                  {"domain", "Domains."},
                                                                  {"session", "Who is connected."},
                                                                  {"setting", "Settings at run time."}};
  const auto found = helps.find(group);
  return found == helps.end() ? std::string_view{} : found->second;
}

std::vector<Leaf> make_leaves(CLI::App& app, const std::vector<const Operation*>& operations, Invocation& invocation) {
  std::vector<Leaf> leaves;
  std::map<std::string, CLI::App*> groups;
  for (const Operation* operation : operations) {
    const std::string words{operation->words};
    const auto space = words.find(' ');
    CLI::App* parent = &app;
    if (space != words.npos) {
      CLI::App*& group = groups[words.substr(0, space)];
      if (!group) {
        group = app.add_subcommand(words.substr(0, space), std::string{help_of_group(words.substr(0, space))});
        group->require_subcommand(1);
      }
      parent = group;
    }
    leaves.push_back(make_leaf(*parent, space == words.npos ? words : words.substr(space + 1), *operation, invocation));
  }
  return leaves;
}

void take_values(const Leaf& leaf, Invocation& invocation) {
  invocation.operation = leaf.operation;
  for (const auto& [name, option] : leaf.options)
    for (const auto& text : option->results()) invocation.values.add(name, text);
}

// What stands first and begins no operation, or "first second" when the second is none of its group; empty: neither.
std::string unknown_word(const std::vector<const Operation*>& operations, const std::vector<std::string>& said) {
  if (said.empty() || said.front().starts_with('-')) return {};
  std::string two = said.size() > 1 && !said[1].starts_with('-') ? said[0] + ' ' + said[1] : std::string{};
  bool is_group = false;
  for (const Operation* operation : operations) {
    if (operation->words == said.front() || operation->words == two) return {};
    is_group = is_group || operation->words.starts_with(said.front() + ' ');
  }
  if (!is_group) return said.front();
  return two;
}

}  // namespace

std::variant<Invocation, CommandLineEnd> parse_command_line(const std::vector<const Operation*>& operations,
                                                            std::vector<std::string> words) {
  Invocation invocation;
  if (const char* directory = std::getenv("JACKDAW_DATA"); directory && *directory)
    invocation.data_directory = directory;
  CLI::App app{"Jackdaw, an XMPP server.", "jackdaw"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "jackdaw " + std::string{program_version});
  add_everywhere(app, invocation, DoneBy::server);
  const auto leaves = make_leaves(app, operations, invocation);
  const auto said = words;
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    if (const std::string unknown = unknown_word(operations, said); !unknown.empty())
      return CommandLineEnd{
          2, "jackdaw: " + printable(unknown) + ": there is no such operation; `jackdaw --help` lists them\n"};
    std::ostringstream text;
    const int code = app.exit(error, text, text) == 0 ? 0 : 2;
    return CommandLineEnd{code, text.str()};
  }
  for (const Leaf& leaf : leaves)
    if (leaf.app->parsed()) take_values(leaf, invocation);
  return invocation;
}

const OperationArgument* password_of(const Operation& operation) {
  for (const auto& argument : operation.arguments)
    if (argument.type == ArgumentType::password) return &argument;
  return nullptr;
}

}  // namespace jackdaw
