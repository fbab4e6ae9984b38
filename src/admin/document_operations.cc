// What the program prints from its own tables; no server and no store is needed.
// SPDX-License-Identifier: Apache-2.0
#include "admin/operations.h"
#include "admin/pages.h"
#include "settings/pages.h"
#include "settings/setting_text.h"

namespace jackdaw {
namespace {

Task<OperationResult> print_settings(OperationContext& context, OperationValues values) {
  if (values.has("markdown")) co_return OperationAnswer{markdown(*context.settings)};
  OperationTable table{.columns = {"name", "type", "default", "allowed"}};
  for (const SettingRow* row : context.settings->rows())
    table.rows.push_back({std::string{row->name}, std::string{type_name(*row)},
                          row->is_secret() ? std::string{} : text_of(*row, row->fallback), allowed_for(*row)});
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> print_modules(OperationContext& context, OperationValues values) {
  if (values.has("markdown")) co_return OperationAnswer{modules_page(*context.modules)};
  OperationTable table{.columns = {"name", "summary"}};
  for (const Module* module : *context.modules)
    table.rows.push_back({std::string{module->name}, std::string{module->summary}});
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> print_operations(OperationContext& context, OperationValues values) {
  if (values.has("markdown")) co_return OperationAnswer{operations_page(*context.operations)};
  OperationTable table{.columns = {"operation", "right", "summary"}};
  for (const Operation* operation : *context.operations)
    table.rows.push_back(
        {usage_of(*operation), std::string{name_of(operation->right)}, std::string{operation->summary}});
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> print_doap(OperationContext& context, OperationValues) {
  co_return OperationAnswer{doap_page(*context.modules)};
}

Task<OperationResult> print_manual(OperationContext& context, OperationValues) {
  co_return OperationAnswer{manual_page(*context.operations)};
}

Task<OperationResult> print_completion(OperationContext& context, OperationValues) {
  co_return OperationAnswer{bash_completion(*context.operations, *context.settings)};
}

const OperationFlag markdown_flag{"markdown", "As the page in docs/ that is made of it."};

}  // namespace

const Operations& document_operations() {
  static const Operations rows{
      {.words = "settings",
       .flags = {markdown_flag},
       .summary = "Prints the table of all settings, with their defaults.",
       .right = Right::nothing,
       .needs = Needs::nothing,
       .run = print_settings},
      {.words = "modules",
       .flags = {markdown_flag},
       .summary = "Prints the modules of the server.",
       .right = Right::nothing,
       .needs = Needs::nothing,
       .run = print_modules},
      {.words = "operations",
       .flags = {markdown_flag},
       .summary = "Prints everything that this program can do.",
       .right = Right::nothing,
       .needs = Needs::nothing,
       .run = print_operations},
      {.words = "doap",
       .summary = "Prints the project's description with the specifications it follows (XEP-0453).",
       .right = Right::nothing,
       .needs = Needs::nothing,
       .run = print_doap},
      {.words = "man",
       .summary = "Prints the manual page.",
       .right = Right::nothing,
       .needs = Needs::nothing,
       .run = print_manual},
      {.words = "completion",
       .summary = "Prints the completion of these words for bash.",
       .right = Right::nothing,
       .needs = Needs::nothing,
       .run = print_completion},
  };
  return rows;
}

}  // namespace jackdaw
