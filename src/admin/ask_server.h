// Asks the running server to do an operation. Blocks; for the command line.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "admin/wire.h"

namespace jackdaw {

// Empty: no server listens in this data directory. Failure in the result: refused, or the server did not answer.
std::optional<OperationResult> ask_server(const std::string& data_directory, const OperationRequest& request);

}  // namespace jackdaw
