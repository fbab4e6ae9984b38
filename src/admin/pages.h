// Documents made of the tables: docs/*.md, jackdaw.doap, the manual page, the shell's completion. The same tables give
// the same bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "router/module.h"
#include "router/operation.h"

namespace jackdaw {

using OperationList = std::vector<const Operation*>;

// The right that it needs, as people read it.
std::string right_of(const Operation& operation);
// "user add JID [--admin] [--reuse] [--password-stdin]".
std::string usage_of(const Operation& operation);

std::string operations_page(const OperationList& operations);
std::string modules_page(const std::vector<const Module*>& modules);
std::string metrics_page();
// XEP-0453.
std::string doap_page(const std::vector<const Module*>& modules);
std::string manual_page(const OperationList& operations);
std::string bash_completion(const OperationList& operations, const SettingTable& settings);

}  // namespace jackdaw
