// Reading jackdaw.toml with toml++ (TOML 1.0.0); the only file that includes it. Start at read_toml().
// SPDX-License-Identifier: Apache-2.0
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 32
// toml++ 3.3.0 reaches parse_key() with "[[*" although it asserts otherwise (fixed by its pull request 301). With
// NDEBUG its assertions are assumptions, and the compiler may drop the check that follows and reports the error.
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)
#include "settings/toml_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <optional>

#include "settings/printable.h"

namespace jackdaw {
namespace {

// toml++ frees nested tables by recursion, and one line of a.a.a.a... nests as deep as it is long.
constexpr std::size_t longest_line = 16 * 1024;
constexpr std::size_t largest_file = 1024 * 1024;

std::size_t line_of(const toml::node& node) { return std::max<std::size_t>(1, node.source().begin.line); }
std::size_t line_of(const toml::key& key, const toml::node& node) {
  return key.source().begin.line ? key.source().begin.line : line_of(node);
}

WrittenValue list_value(const toml::array& array) {
  StringList items;
  for (const toml::node& node : array) {
    const auto* item = node.as_string();
    if (!item) return {.value = UnfitValue{}, .shown = "a list with other things than strings"};
    items.push_back(item->get());
  }
  std::string shown = items.empty() ? "[]" : fmt::format("[\"{}\"]", fmt::join(items, "\", \""));
  return {.value = std::move(items), .shown = printable(shown)};
}

WrittenValue written_value(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return {.value = flag->get(), .shown = flag->get() ? "true" : "false"};
  if (const auto* number = node.as_integer()) {
    return {.value = number->get(), .shown = fmt::format("{}", number->get())};
  }
  if (const auto* text = node.as_string()) return {.value = text->get(), .shown = '"' + printable(text->get()) + '"'};
  if (const auto* array = node.as_array()) return list_value(*array);
  if (const auto* fraction = node.as_floating_point()) {
    return {.value = UnfitValue{}, .shown = fmt::format("{}", fraction->get())};
  }
  return {.value = UnfitValue{}, .shown = node.is_table() ? "a table" : "a date or time"};
}

class Reading {
 public:
  WrittenFile take() && { return std::move(file_); }

  void read_root(const toml::table& root) {
    for (const auto& [key, node] : root) {
      if (key.str() == "domains") {
        read_domain_names(key, node);
      } else if (key.str() == "domain") {
        read_domain_tables(key, node);
      } else {
        read_area("", key, node);
      }
    }
  }

 private:
  void read_domain_names(const toml::key& key, const toml::node& node) {
    const auto* names = node.as_array();
    if (!names) return problem(line_of(key, node), "domains: not a list of strings, such as [\"example.org\"]");
    for (const toml::node& item : *names) {
      if (const auto* name = item.as_string()) {
        file_.domains.push_back({.line = line_of(item), .name = name->get()});
      } else {
        problem(line_of(item), "domains: not a list of strings, such as [\"example.org\"]");
      }
    }
  }

  void read_domain_tables(const toml::key& key, const toml::node& node) {
    const auto* tables = node.as_table();
    if (!tables) return problem(line_of(key, node), "domain: not a table, such as [domain.\"example.org\".area]");
    std::map<std::string, std::size_t> seen;
    for (const auto& [name, settings] : *tables) {
      std::string domain = lower_case(name.str());
      std::size_t line = line_of(name, settings);
      std::string shown = "domain.\"" + printable(domain) + '"';
      std::string_view flaw = flaw_of_item(domain);
      auto [earlier, is_new] = seen.emplace(domain, line);
      if (!is_new) {
        problem(std::max(line, earlier->second), shown + ": there are two tables for this domain");
      } else if (!flaw.empty()) {
        problem(line, shown + ": not a domain's name");
      } else if (!settings.is_table()) {
        problem(line, shown + ": not a table, such as [domain.\"example.org\".area]");
      } else {
        for (const auto& [area, things] : *settings.as_table()) read_area(domain, area, things);
      }
    }
  }

  void read_area(const std::string& domain, const toml::key& area, const toml::node& node) {
    std::string name{area.str()};
    const auto* things = node.as_table();
    if (!things || things->empty()) {
      file_.areas.push_back(
          {.line = line_of(area, node), .domain = domain, .area = name, .is_table = things != nullptr});
      return;
    }
    for (const auto& [thing, value] : *things) {
      file_.settings.push_back({.line = line_of(thing, value),
                                .domain = domain,
                                .area = name,
                                .thing = std::string{thing.str()},
                                .written = written_value(value)});
    }
  }

  void problem(std::size_t line, std::string what) { file_.problems.push_back({line, std::move(what)}); }

  WrittenFile file_;
};

std::optional<FileProblem> problem_of_size(std::string_view text) {
  if (text.size() > largest_file) return FileProblem{1, "the file is larger than 1 MiB"};
  std::size_t line = 1;
  for (std::size_t start = 0; start < text.size(); ++line) {
    std::size_t end = std::min(text.find('\n', start), text.size());
    if (end - start > longest_line) return FileProblem{line, "the line is longer than 16384 bytes"};
    start = end + 1;
  }
  return std::nullopt;
}

// Behind the string that begins at `start`, or behind the line end or text end that cuts it off.
std::size_t end_of_string(std::string_view text, std::size_t start) {
  char quote = text[start];
  std::string_view closing = text.substr(start, 3);
  bool many_lines = closing == "\"\"\"" || closing == "'''";
  if (!many_lines) closing = closing.substr(0, 1);
  for (std::size_t i = start + closing.size(); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == '\n' && !many_lines) {
      return i;
    } else if (text.substr(i).starts_with(closing)) {
      i += closing.size();
      // TOML 1.0.0, "String": two more quotes may stand right before the closing three.
      for (int more = 0; many_lines && more < 2 && i < text.size() && text[i] == quote; ++more) ++i;
      return i;
    }
  }
  return text.size();
}

// TOML has characters beyond ASCII in strings and comments only. toml++ 3.3.0 holds some of them elsewhere for
// impossible (is_non_ascii_horizontal_whitespace), so it must not see them.
std::optional<FileProblem> problem_of_characters(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  std::size_t i = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  while (i < text.size()) {
    if (text[i] == '"' || text[i] == '\'') {
      i = end_of_string(text, i);
    } else if (text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (static_cast<unsigned char>(text[i]) >= 0x80) {
      auto line = static_cast<std::size_t>(std::ranges::count(text.substr(0, i), '\n')) + 1;
      return FileProblem{line, "not TOML: a character outside of quotes that is not ASCII"};
    } else {
      ++i;
    }
  }
  return std::nullopt;
}

}  // namespace

WrittenFile read_toml(std::string_view text) {
  WrittenFile unreadable;
  auto problem = problem_of_size(text);
  if (!problem) problem = problem_of_characters(text);
  if (problem) {
    unreadable.problems.push_back(*problem);
    return unreadable;
  }
  try {
    Reading reading;
    reading.read_root(toml::parse(text));
    return std::move(reading).take();
  } catch (const toml::parse_error& error) {
    unreadable.problems.push_back(
        {std::max<std::size_t>(1, error.source().begin.line), "not TOML: " + printable(error.description(), 200)});
    return unreadable;
  }
}

}  // namespace jackdaw
