// SPDX-License-Identifier: Apache-2.0
#include "admin/operation_form.h"

#include <algorithm>

#include "settings/printable.h"

namespace jackdaw {
namespace {

constexpr std::size_t longest_value = 64 * 1024;

// What XML can carry, escaped.
std::string shown(std::string_view text) { return escaped(printable(text, longest_value)); }

std::string element(std::string_view name, std::string_view text) {
  const std::string tag{name};
  return '<' + tag + '>' + shown(text) + "</" + tag + '>';
}

// XEP-0004 §3.3.
std::string_view field_type(ArgumentType type, Times times) {
  if (times == Times::many) return "text-multi";
  if (type == ArgumentType::jid) return "jid-single";
  if (type == ArgumentType::password) return "text-private";
  return "text-single";
}

std::string field(std::string_view type, std::string_view name, std::string_view inside) {
  const std::string var = shown(name);
  return "<field type='" + std::string{type} + "' var='" + var + "' label='" + var + "'>" + std::string{inside} +
         "</field>";
}

std::string field_of(const OperationArgument& argument) {
  std::string inside = element("desc", argument.help);
  if (argument.times == Times::once) inside += "<required/>";
  return field(field_type(argument.type, argument.times), argument.name, inside);
}

std::string field_of(const OperationFlag& flag) {
  const std::string desc = element("desc", flag.help);
  if (!flag.value) return field("boolean", flag.name, desc + "<value>0</value>");
  return field(field_type(*flag.value, flag.times), flag.name, desc);
}

Element find_field(const Element& form, std::string_view var) {
  for (Element each = form.first_child(); each; each = each.next_sibling())
    if (each.is({data_form.ns, "field"}) && each.attribute("var") == var) return each;
  return {};
}

std::vector<std::string> values_in(const Element& form, std::string_view var) {
  std::vector<std::string> values;
  if (const Element found = find_field(form, var))
    for (Element each = found.first_child(); each; each = each.next_sibling())
      if (each.is({data_form.ns, "value"})) values.push_back(each.text());
  return values;
}

std::string text_of_cell(const OperationCell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
  if (const auto* sign = std::get_if<bool>(&cell)) return *sign ? "1" : "0";
  return std::get<std::string>(cell);
}

std::string_view type_of(const OperationTable& table, std::size_t column) {
  const bool is_sign = !table.rows.empty() && std::holds_alternative<bool>(table.rows.front()[column]);
  return is_sign ? "boolean" : "text-single";
}

std::string record_xml(const OperationTable& table) {
  std::string out;
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      out += field(type_of(table, i), table.columns[i], element("value", text_of_cell(row[i])));
  return out;
}

// XEP-0004 §3.4.
std::string list_xml(const OperationTable& table) {
  std::string out = "<reported>";
  for (std::size_t i = 0; i < table.columns.size(); ++i) out += field(type_of(table, i), table.columns[i], {});
  out += "</reported>";
  for (const auto& row : table.rows) {
    out += "<item>";
    for (std::size_t i = 0; i < row.size(); ++i)
      out += "<field var='" + shown(table.columns[i]) + "'>" + element("value", text_of_cell(row[i])) + "</field>";
    out += "</item>";
  }
  return out;
}

std::string result_form(std::string_view inside) {
  return "<x xmlns='jabber:x:data' type='result'>" + std::string{inside} + "</x>";
}

std::string_view without_end(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

// XEP-0004 §3.3: a value for each line.
std::string lines_xml(std::string_view text) {
  std::string values;
  for (;;) {
    const auto end = text.find('\n');
    values += element("value", text.substr(0, end));
    if (end == text.npos) return field("text-multi", "text", values);
    text.remove_prefix(end + 1);
  }
}

}  // namespace

bool has_form(const Operation& operation) { return !operation.arguments.empty() || !operation.flags.empty(); }

std::string form_of(const Operation& operation) {
  std::string out = "<x xmlns='jabber:x:data' type='form'>";
  out += element("title", operation.words) + element("instructions", operation.summary);
  for (const auto& argument : operation.arguments) out += field_of(argument);
  for (const auto& flag : operation.flags) out += field_of(flag);
  return out + "</x>";
}

Result<OperationValues> values_from_form(const Operation& operation, const Element& form) {
  OperationValues values;
  for (const auto& argument : operation.arguments) {
    const auto given = values_in(form, argument.name);
    if (given.size() > 1 && argument.times != Times::many)
      return Failure{std::string{argument.name} + " has more than one value"};
    // A text may be empty, such as a setting's value; an address may not.
    const bool may_be_empty = argument.type == ArgumentType::text || argument.type == ArgumentType::value;
    const bool is_there = !given.empty() && (may_be_empty || !given.front().empty());
    if (argument.times == Times::once && !is_there) return Failure{std::string{argument.name} + " is missing"};
    for (const auto& text : given)
      if (!text.empty() || argument.times == Times::once) values.add(argument.name, text);
  }
  for (const auto& flag : operation.flags) {
    const auto given = values_in(form, flag.name);
    if (given.size() > 1 && flag.times != Times::many)
      return Failure{std::string{flag.name} + " has more than one value"};
    for (const auto& text : given) {
      // XEP-0004 §3.3, a boolean.
      const bool is_no = text == "0" || text == "false" || text.empty();
      if (!flag.value && !is_no && text != "1" && text != "true")
        return Failure{std::string{flag.name} + " is neither 1 nor 0"};
      if (flag.value ? !text.empty() : !is_no) values.add(flag.name, text);
    }
  }
  return values;
}

std::string note_of(std::string_view type, std::string_view text) {
  return "<note type='" + std::string{type} + "'>" + shown(text) + "</note>";
}

std::string xml_of(const OperationAnswer& answer) {
  const std::string_view text = without_end(answer.text);
  const bool is_long = text.find('\n') != text.npos;
  if (!answer.table) return is_long ? result_form(lines_xml(text)) : note_of("info", text);
  const OperationTable& table = *answer.table;
  std::string out = result_form(table.shape == OperationTable::Shape::record ? record_xml(table) : list_xml(table));
  if (!text.empty()) out += note_of("info", text);
  if (table.rows.empty()) out += note_of("info", "There are none.");
  return out;
}

}  // namespace jackdaw
