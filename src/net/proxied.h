// Connections from proxies, until each has said whom it stands for (net/proxy_header.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "net/core.h"

namespace jackdaw {

// On one core. Nothing of what follows the header is read here.
class ProxiedConnections {
 public:
  // The connection begins, and `host` is whose it is.
  using Begins = std::function<void(int descriptor, const std::string& host)>;

  ProxiedConnections(Core& core, Begins begins);
  ~ProxiedConnections();
  // Takes the descriptor; closes it when the header is wrong or has not come within 10 s. False: too many wait, and it
  // is closed at once.
  bool wait_for_header(int descriptor, const std::string& proxy);

 private:
  class Waiting;
  void over(int descriptor, const std::string& host);
  void drop(int descriptor, std::string_view why);

  Core& core_;
  Begins begins_;
  std::unordered_map<int, std::unique_ptr<Waiting>> waiting_;
};

}  // namespace jackdaw
