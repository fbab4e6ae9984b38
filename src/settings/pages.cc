// Both pages walk the table in order of name, area by area.
// SPDX-License-Identifier: Apache-2.0
#include "settings/pages.h"

#include <fmt/format.h>

#include "settings/setting_text.h"

namespace jackdaw {
namespace {

constexpr std::string_view markdown_head =
    "# Settings\n"
    "\n"
    "Generated from the settings table; do not edit. A setting is written `area.name`. Later sources win: the default, "
    "a change made at run time (`jackdaw setting set`), `jackdaw.toml`, `--set area.name=value`. What the file or the "
    "command line sets is pinned: it cannot be changed at run time.\n"
    "\n"
    "```toml\n"
    "domains = [\"example.org\"]           # the domains this server answers for\n"
    "\n"
    "[area]                              # a setting for the server\n"
    "name = \"value\"\n"
    "\n"
    "[domain.\"example.org\".area]         # a setting of scope \"domain\", for one domain\n"
    "name = \"value\"\n"
    "```\n"
    "\n"
    "Durations are whole seconds: `\"90s\"`, `\"10m\"`, `\"2h\"`, `\"7d\"` or a plain number of seconds. "
    "Sizes are bytes: `\"256KiB\"`, `\"1MiB\"`, `\"1GiB\"` or a plain number. "
    "Lists are `[\"a\", \"b\"]` in the file, `a, b` elsewhere.\n";

std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '|' ? std::string{"\\|"} : std::string{c};
  return out;
}

std::string_view scope_name(Scope scope) {
  switch (scope) {
    case Scope::domain:
      return "domain";
    case Scope::listener:
      return "listener";
    case Scope::server:
      break;
  }
  return "server";
}

std::string line_of_table(const SettingRow& row) {
  std::string type{type_name(row)};
  if (row.is_secret()) type += ", secret";
  std::string fallback = row.is_secret() ? "none" : "`" + cell(toml_of(row, row.fallback)) + "`";
  return fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", row.name, type, fallback, cell(allowed_for(row)),
                     scope_name(row.scope), row.reload == Reload::live ? "at once" : "at restart", cell(row.help));
}

// Help as comment lines of at most 100 bytes, broken at blanks.
std::string comment(std::string_view text) {
  std::string out, line = "#";
  for (;;) {
    std::string_view word = text.substr(0, text.find(' '));
    if (line.size() + word.size() + 1 > 100 && line.size() > 1) {
      out += line + '\n';
      line = "#";
    }
    line += ' ';
    line += word;
    if (word.size() == text.size()) return out + line + '\n';
    text.remove_prefix(word.size() + 1);
  }
}

std::string notes(const SettingRow& row) {
  std::string text = "Allowed: " + allowed_for(row) + ".";
  if (row.scope == Scope::domain) text += " May also be set for one domain.";
  if (row.reload == Reload::restart) text += " Takes effect at restart.";
  return text;
}

}  // namespace

std::string markdown(const SettingTable& table) {
  std::string out{markdown_head};
  std::string_view area;
  for (const SettingRow* row : table.rows()) {
    if (row->area() != area) {
      area = row->area();
      out += fmt::format(
          "\n## {}\n\n| name | type | default | allowed | scope | takes effect | what it does |\n"
          "|---|---|---|---|---|---|---|\n",
          area);
    }
    out += line_of_table(*row);
  }
  return out;
}

std::string commented_file(const SettingTable& table, const StringList& domains) {
  std::string out =
      comment(
          "Jackdaw's settings. What is set here is pinned: it cannot be changed at run time. Lines that begin "
          "with # are comments; the values in them are the defaults.") +
      "#\n" + comment("A setting for one domain stands in a table of its own: [domain.\"example.org\".area]") + "\n" +
      comment("The domains this server answers for.");
  StringList quoted;
  for (const std::string& domain : domains) quoted.push_back(toml_string(domain));
  out += quoted.empty() ? "#domains = [\"localhost\"]\n" : fmt::format("domains = [{}]\n", fmt::join(quoted, ", "));
  std::string_view area;
  for (const SettingRow* row : table.rows()) {
    if (row->area() != area) {
      area = row->area();
      out += fmt::format("\n[{}]\n", area);
    }
    out += '\n' + comment(row->help) + comment(notes(*row));
    out += fmt::format("#{} = {}\n", row->thing(), toml_of(*row, row->fallback));
  }
  return out;
}

}  // namespace jackdaw
