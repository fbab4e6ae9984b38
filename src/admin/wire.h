// What goes through the administrator's socket: one line of JSON each way. And the same answer for people.
//
//   {"operation":"user add","values":{"jid":["romeo@example.org"],"password":["..."]}}
//   with --as: {"operation":..., "values":..., "as":"admin@example.org","password":"..."}
//   {"text":"...","columns":["jid"],"shape":"list","rows":[["romeo@example.org"]]}      or      {"refused":"why"}
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "router/operation.h"

namespace jackdaw {

constexpr std::size_t longest_request = 64 * 1024;
constexpr std::size_t longest_answer = 16 * 1024 * 1024;

struct OperationRequest {
  std::string operation;
  OperationValues values;
  std::string as = {}, password = {};  // in whose name; empty: whose the data directory is
};

// Without the line's end.
std::string json_of(const OperationRequest& request);
std::string json_of(const OperationResult& result);
// Failure: what is wrong with it.
Result<OperationRequest> request_from_json(std::string_view line);
// Failure: what the server refused, or that its answer cannot be understood.
OperationResult result_from_json(std::string_view line);

// For a terminal: the table with aligned columns, then the text; nothing in it moves the cursor.
std::string text_of(const OperationAnswer& answer);
// For programs: a list of objects, one object for a record, or {"text": ...}; ends in a line's end.
std::string json_for_programs(const OperationAnswer& answer);

}  // namespace jackdaw
