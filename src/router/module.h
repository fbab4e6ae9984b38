// Module: one extension: name, XEPs, settings, setup. Also what a module writes with: handlers and their requests.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/task.h"
#include "router/domain.h"
#include "settings/setting.h"

namespace jackdaw {

enum class Status { complete, partial };

// A line of the DOAP file (XEP-0453).
struct Implements {
  int xep = 0;
  std::string_view version;
  Status status = Status::complete;
  std::string_view note = {};
};

struct Module {
  std::string_view name;
  std::string_view summary;  // one sentence for people
  std::vector<Implements> implements = {};
  SettingRows settings = {};
  // What the settings' own bounds cannot say. Failure: one line. Null: nothing.
  Result<Done> (*check_settings)(const Settings&) = nullptr;
  void (*setup)(Domain&) = nullptr;  // null: it is part of the stream, and only listed
};

}  // namespace jackdaw
