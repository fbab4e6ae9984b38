// Entrance: who may come in by a listening socket, and how.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "net/address_list.h"

namespace jackdaw {

enum class TlsMode { starttls, at_once };

struct Entrance {
  enum class Rule { all, allow, deny } rule = Rule::all;
  TlsMode mode = TlsMode::starttls;
  AddressList list = {};  // of those who may, or may not; with a proxy: of proxies
  bool proxied = false;   // each connection begins with a header of the PROXY protocol
  // What somebody is told who comes when no more connections are taken; not where TLS comes first. Null: nothing.
  std::string (*last_words)() = nullptr;

  bool admits(std::string_view host) const { return rule == Rule::all || list.contains(host) == (rule == Rule::allow); }
};

}  // namespace jackdaw
