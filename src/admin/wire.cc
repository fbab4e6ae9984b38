// SPDX-License-Identifier: Apache-2.0
#include "admin/wire.h"

#include <algorithm>
#include <boost/json.hpp>

#include "settings/printable.h"

namespace jackdaw {
namespace {

namespace json = boost::json;

json::value json_of_cell(const OperationCell& cell) {
  return std::visit([](const auto& value) { return json::value(value); }, cell);
}

std::string text_of_cell(const OperationCell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
  if (const auto* sign = std::get_if<bool>(&cell)) return *sign ? "yes" : "no";
  return printable(std::get<std::string>(cell), 4096);
}

OperationCell cell_from_json(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  if (value.is_int64()) return value.get_int64();
  return std::string{value.as_string()};
}

json::object json_of_table(const OperationTable& table) {
  json::array columns, rows;
  for (const auto& column : table.columns) columns.emplace_back(column);
  for (const auto& row : table.rows) {
    json::array cells;
    for (const auto& cell : row) cells.push_back(json_of_cell(cell));
    rows.push_back(std::move(cells));
  }
  const char* shape = table.shape == OperationTable::Shape::record ? "record" : "list";
  return {{"shape", shape}, {"columns", std::move(columns)}, {"rows", std::move(rows)}};
}

OperationTable table_from_json(const json::object& object) {
  OperationTable table;
  if (object.at("shape").as_string() == "record") table.shape = OperationTable::Shape::record;
  for (const auto& column : object.at("columns").as_array()) table.columns.emplace_back(column.as_string());
  for (const auto& row : object.at("rows").as_array()) {
    auto& cells = table.rows.emplace_back();
    for (const auto& cell : row.as_array()) cells.push_back(cell_from_json(cell));
    if (cells.size() != table.columns.size())
      throw std::invalid_argument("a row has not as many cells as there are columns");
  }
  return table;
}

// As many places as a terminal needs, nearly: one for each character.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void append_padded(std::string& line, std::string_view text, std::size_t width) {
  line += text;
  if (const auto used = width_of(text); used < width) line.append(width - used, ' ');
}

std::string record_text(const OperationTable& table) {
  std::size_t width = 0;
  for (const auto& column : table.columns) width = std::max(width, width_of(column) + 2);
  std::string out;
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      append_padded(out, table.columns[i] + ':', width);
      out += text_of_cell(row[i]) + '\n';
    }
  return out;
}

std::string list_text(const OperationTable& table) {
  std::vector<std::vector<std::string>> lines{table.columns};
  for (const auto& row : table.rows) {
    auto& line = lines.emplace_back();
    for (const auto& cell : row) line.push_back(text_of_cell(cell));
  }
  std::vector<std::size_t> widths(table.columns.size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]) + 2);
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) append_padded(text, line[i], widths[i]);
    out += text.substr(0, text.find_last_not_of(' ') + 1) + '\n';
  }
  return out;
}

json::object object_of_row(const OperationTable& table, const std::vector<OperationCell>& row) {
  json::object object;
  for (std::size_t i = 0; i < row.size(); ++i) object.emplace(table.columns[i], json_of_cell(row[i]));
  return object;
}

}  // namespace

std::string json_of(const OperationRequest& request) {
  json::object values;
  for (const auto& [name, texts] : request.values.all()) {
    json::array list;
    for (const auto& text : texts) list.emplace_back(text);
    values.emplace(name, std::move(list));
  }
  json::object object{{"operation", request.operation}, {"values", std::move(values)}};
  if (!request.as.empty()) {
    object.emplace("as", request.as);
    object.emplace("password", request.password);
  }
  return json::serialize(object);
}

std::string json_of(const OperationResult& result) {
  if (!result) return json::serialize(json::object{{"refused", result.failure().what}});
  json::object object = result->table ? json_of_table(*result->table) : json::object{};
  object.emplace("text", result->text);
  return json::serialize(object);
}

Result<OperationRequest> request_from_json(std::string_view line) {
  try {
    const json::value parsed = json::parse(line);
    OperationRequest request;
    request.operation = parsed.at("operation").as_string();
    for (const auto& [name, texts] : parsed.at("values").as_object())
      for (const auto& text : texts.as_array()) request.values.add(name, std::string{text.as_string()});
    if (const auto* as = parsed.as_object().if_contains("as")) {
      request.as = as->as_string();
      request.password = parsed.at("password").as_string();
      if (request.as.empty()) return Failure{"the request is in nobody's name"};
    }
    return request;
  } catch (const std::exception& error) {
    return Failure{std::string{"the request is no operation in JSON: "} + error.what()};
  }
}

OperationResult result_from_json(std::string_view line) {
  try {
    const json::value parsed = json::parse(line);
    const json::object& object = parsed.as_object();
    if (const auto* refused = object.if_contains("refused")) return Failure{std::string{refused->as_string()}};
    OperationAnswer answer{std::string{object.at("text").as_string()}};
    if (object.contains("rows")) answer.table = table_from_json(object);
    return answer;
  } catch (const std::exception& error) {
    return Failure{std::string{"the server's answer cannot be understood: "} + error.what()};
  }
}

std::string text_of(const OperationAnswer& answer) {
  std::string out;
  if (answer.table)
    out = answer.table->shape == OperationTable::Shape::record ? record_text(*answer.table) : list_text(*answer.table);
  return out + answer.text;
}

std::string json_for_programs(const OperationAnswer& answer) {
  if (!answer.table) return json::serialize(json::object{{"text", answer.text}}) + '\n';
  const OperationTable& table = *answer.table;
  if (table.shape == OperationTable::Shape::record && table.rows.size() == 1)
    return json::serialize(object_of_row(table, table.rows.front())) + '\n';
  json::array rows;
  for (const auto& row : table.rows) rows.push_back(object_of_row(table, row));
  return json::serialize(rows) + '\n';
}

}  // namespace jackdaw
