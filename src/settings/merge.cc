// The merge of the sources and its messages. Start at merge().
// SPDX-License-Identifier: Apache-2.0
#include "settings/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "settings/printable.h"
#include "settings/setting_text.h"
#include "settings/toml_file.h"

namespace jackdaw {
namespace {

std::string guess(const SettingTable& table, std::string_view name) {
  std::string nearest = table.nearest(name);
  return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

// A misspelt name may be a secret's, so its value is never shown.
std::string unknown_setting(const SettingTable& table, std::string_view domain, std::string_view name) {
  return full_name(domain, name) + ": no such setting" + guess(table, name);
}

// Empty, or why this setting cannot be set for this domain.
std::string scope_refusal(const SettingRow& row, std::string_view domain) {
  if (domain.empty() || row.scope == Scope::domain) return {};
  return full_name(domain, row.name) +
         fmt::format(": may be set for the whole server only; allowed: [{}] {} = ...", row.area(), row.thing());
}

std::string value_shown(const SettingRow& row, std::string_view shown) {
  return row.is_secret() ? "(secret)" : std::string{shown};
}

std::string refusal(const SettingRow& row, std::string_view domain, std::string_view shown, const Failure& failure) {
  return fmt::format("{} = {}: {}", full_name(domain, row.name), value_shown(row, shown), failure.what);
}

// A domain table without quotes nests: [domain.example.org] is the area "org" of the domain "example".
std::string quotes_hint(const SettingTable& table, const std::string& domain, std::string_view area) {
  bool likely = !domain.empty() && domain.find('.') == std::string::npos && !table.has_area(area);
  return likely ? "; a domain's name stands in quotes: [domain.\"example.org\"]" : "";
}

Result<SettingValue> value_from_file(const SettingRow& row, const WrittenValue& written) {
  if (const auto* text = std::get_if<std::string>(&written.value)) {
    bool has_text_form =
        row.kind() == SettingKind::duration || row.unit == Unit::bytes || row.kind() == SettingKind::text;
    return has_text_form ? value_from_text(row, *text) : wrong_type(row);
  }
  if (const auto* number = std::get_if<std::int64_t>(&written.value)) {
    if (row.kind() == SettingKind::duration) return value_within_bounds(row, Seconds{*number});
    if (row.kind() == SettingKind::integer) return value_within_bounds(row, *number);
  }
  if (const auto* flag = std::get_if<bool>(&written.value); flag && row.kind() == SettingKind::boolean) return {*flag};
  if (const auto* list = std::get_if<StringList>(&written.value); list && row.kind() == SettingKind::list) {
    return value_within_bounds(row, *list);
  }
  return wrong_type(row);
}

// Empty, or why these cannot be the domains; `names` in lower case so far.
std::string refusal_of_domain(const StringList& names, const std::string& name) {
  if (std::string_view flaw = flaw_of_item(name); !flaw.empty()) {
    return fmt::format("domains: \"{}\": not a domain's name", printable(name));
  }
  if (std::ranges::find(names, name) == names.end()) return {};
  return fmt::format("domains: \"{}\" is listed twice", printable(name));
}

std::string_view line_of_text(std::string_view text, std::size_t number) {
  for (; number > 1; --number) {
    std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

struct DomainAndName {
  std::string domain, name;
};

// "c2s.idle", domain."example.org".c2s.idle, or the same without quotes: the last two words are the setting.
DomainAndName split_name(std::string_view text) {
  if (!text.starts_with("domain.")) return {.name = std::string{text}};
  text.remove_prefix(std::string_view{"domain."}.size());
  std::size_t dot = text.rfind('.');
  if (dot != std::string_view::npos && dot > 0) dot = text.rfind('.', dot - 1);
  if (dot == std::string_view::npos || dot == 0) return {.name = "domain." + std::string{text}};
  std::string_view domain = text.substr(0, dot);
  if (domain.size() > 2 && domain.starts_with('"') && domain.ends_with('"')) {
    domain = domain.substr(1, domain.size() - 2);
  }
  return {.domain = lower_case(domain), .name = std::string{text.substr(dot + 1)}};
}

// Takes the sources one after the other; each returns its first problem, or an empty string.
class Merge {
 public:
  explicit Merge(const SettingTable& table) : table_(table) {
    for (const SettingRow* row : table.rows()) values_.server.push_back({.value = row->fallback});
  }

  std::string take_stored(const std::vector<StoredChange>& changes) {
    for (const StoredChange& change : changes) {
      std::string domain = lower_case(change.domain);
      if (!table_.find(change.name)) {
        values_.unused.push_back(full_name(domain, change.name));
        continue;
      }
      if (std::string why = take_text(domain, change.name, change.text, Origin::stored); !why.empty()) {
        return "stored change: " + why;
      }
    }
    return {};
  }

  std::string take_file(const std::string& file_name, std::string_view text) {
    WrittenFile file = read_toml(text);
    values_.file_name = printable(file_name);
    std::vector<FileProblem> problems = std::move(file.problems);
    auto add = [&](std::size_t line, std::string what) {
      if (!what.empty()) problems.push_back({line, std::move(what)});
    };
    for (const WrittenDomain& domain : file.domains) {
      add(domain.line, take_domain(domain.name));
      values_.line_of_domain.emplace(lower_case(domain.name), domain.line);
    }
    for (const WrittenArea& area : file.areas) add(area.line, refusal_of_area(area));
    for (const WrittenSetting& setting : file.settings) add(setting.line, take_written(setting));
    if (problems.empty()) return {};
    const FileProblem& first = *std::ranges::min_element(problems, {}, &FileProblem::line);
    return fmt::format("{}:{}: {}", printable(file_name), first.line, without_secret(text, first));
  }

  std::string take_command_line(const std::vector<std::string>& words) {
    bool replaced = false;
    for (const std::string& word : words) {
      std::size_t equals = word.find('=');
      if (equals == std::string::npos) {
        return "--set " + printable(split_name(word).name) + ": no value; allowed: name=value";
      }
      std::string_view name = std::string_view{word}.substr(0, equals);
      std::string_view text = std::string_view{word}.substr(equals + 1);
      if (name == "domains") {
        if (!std::exchange(replaced, true)) {
          values_.domains.clear();
          values_.line_of_domain.clear();
        }
        for (const std::string& domain : split_list(text)) {
          if (std::string why = take_domain(domain); !why.empty()) return "--set " + why;
        }
        continue;
      }
      if (std::string why = take_assignment(split_name(name), text); !why.empty()) return "--set " + why;
    }
    return {};
  }

  HeldValues take() && { return std::move(values_); }

 private:
  // toml++ quotes what it could not read. On a line that names a secret the message ends before the quotation.
  std::string without_secret(std::string_view text, const FileProblem& problem) const {
    std::string_view line = line_of_text(text, problem.line);
    bool names_secret = std::ranges::any_of(table_.rows(), [&](const SettingRow* row) {
      return row->is_secret() && line.find(row->thing()) != std::string_view::npos;
    });
    bool quotes = problem.what.starts_with("not TOML");
    return names_secret && quotes ? problem.what.substr(0, problem.what.find('\'')) : problem.what;
  }

  std::string take_domain(std::string_view written) {
    std::string name = lower_case(written);
    std::string why = refusal_of_domain(values_.domains, name);
    if (why.empty()) values_.domains.push_back(std::move(name));
    return why;
  }

  std::string refusal_of_area(const WrittenArea& area) const {
    if (area.is_table && table_.has_area(area.area)) return {};
    std::string name = full_name(area.domain, area.area);
    if (table_.has_area(area.area)) return fmt::format("{0}: not a table; allowed: [{0}]", name);
    if (table_.find(area.area)) return fmt::format("{}: allowed only without quotes around the dot", name);
    std::string_view what = area.is_table ? "no such area of settings" : "no such setting";
    return fmt::format("{}: {}{}{}", name, what, guess(table_, area.area), quotes_hint(table_, area.domain, area.area));
  }

  std::string take_written(const WrittenSetting& setting) {
    std::string name = setting.area + '.' + setting.thing;
    const SettingRow* row = table_.find(name);
    if (!row) return unknown_setting(table_, setting.domain, name) + quotes_hint(table_, setting.domain, setting.area);
    if (std::string why = scope_refusal(*row, setting.domain); !why.empty()) return why;
    auto value = value_from_file(*row, setting.written);
    if (!value) return refusal(*row, setting.domain, setting.written.shown, value.failure());
    keep(*row, setting.domain, {.value = std::move(*value), .origin = Origin::file, .line = setting.line});
    return {};
  }

  std::string take_text(const std::string& domain, std::string_view name, std::string_view text, Origin origin) {
    if (std::string why = check_change(table_, name, domain, text); !why.empty()) return why;
    const SettingRow& row = *table_.find(name);
    keep(row, domain, {.value = std::move(*value_from_text(row, text)), .origin = origin});
    return {};
  }

  // As take_text(), but the message repeats what was written on the command line.
  std::string take_assignment(const DomainAndName& target, std::string_view text) {
    const SettingRow* row = table_.find(target.name);
    if (!row) return unknown_setting(table_, target.domain, target.name);
    bool is_bad_domain = target.domain.find('"') != std::string::npos || !flaw_of_item(target.domain).empty();
    if (!target.domain.empty() && is_bad_domain) {
      return full_name(target.domain, row->name) + ": not a domain's name";
    }
    if (std::string why = scope_refusal(*row, target.domain); !why.empty()) return why;
    auto value = value_from_text(*row, text);
    if (!value) {
      return fmt::format("{}={}: {}", full_name(target.domain, row->name), value_shown(*row, printable(text)),
                         value.failure().what);
    }
    keep(*row, target.domain, {.value = std::move(*value), .origin = Origin::command_line});
    return {};
  }

  void keep(const SettingRow& row, const std::string& domain, HeldValue value) {
    std::size_t slot = table_.slot(row.name, row.name_hash);
    HeldValue& place = domain.empty() ? values_.server[slot] : values_.own[domain][slot];
    place = std::move(value);
  }

  const SettingTable& table_;
  HeldValues values_;
};

}  // namespace

Result<std::shared_ptr<const Settings>> merge(const SettingTable& table, const SettingSources& sources) {
  Merge merging{table};
  std::string why = merging.take_stored(sources.stored);
  if (why.empty()) why = merging.take_file(sources.file_name, sources.file_text);
  if (why.empty()) why = merging.take_command_line(sources.command_line);
  if (!why.empty()) return Failure{std::move(why)};
  return std::shared_ptr<const Settings>{std::make_shared<Settings>(table, std::move(merging).take())};
}

std::string check_change(const SettingTable& table, std::string_view name, std::string_view domain,
                         std::string_view text) {
  const SettingRow* row = table.find(name);
  if (!row) return unknown_setting(table, domain, name);
  if (std::string why = scope_refusal(*row, domain); !why.empty()) return why;
  auto value = value_from_text(*row, text);
  return value ? "" : refusal(*row, domain, printable(text), value.failure());
}

}  // namespace jackdaw
