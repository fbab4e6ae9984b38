// The operations table: everything that `jackdaw WORDS...` can do. One list a file, put together in operations.cc.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "router/operation.h"

namespace jackdaw {

// In the order in which they are shown. The same list at each call.
const std::vector<const Operation*>& all_operations();

using Operations = std::vector<Operation>;
const Operations& program_operations();  // serve, setup, restore: main.cc does them
const Operations& user_operations();
const Operations& domain_operations();
const Operations& session_operations();
const Operations& queue_operations();
const Operations& log_operations();
const Operations& cert_operations();
const Operations& setting_operations();
const Operations& certificate_setting_operations();
const Operations& server_operations();
const Operations& document_operations();

// `text`, when it is a number from 1 to `most`; `fallback` when it is empty.
Result<std::int64_t> limit_from(const std::string& text, std::int64_t fallback, std::int64_t most);

}  // namespace jackdaw
