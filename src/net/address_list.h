// Lists of addresses as administrators write them: "10.0.0.0/8 !10.1.0.0/16 192.0.2.1-192.0.2.9 2001:db8::/32". Entries
// stand apart by blanks or lines; "!" takes out of what stands before it; ";" begins a remark that ends with its line.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace jackdaw {

// 16 bytes; an IPv4 address as it is mapped into IPv6 (RFC 4291 §2.5.5.2).
using AddressBytes = std::array<unsigned char, 16>;

class AddressList {
 public:
  // Failure: the entry, what is wrong with it, and what is allowed.
  static Result<AddressList> parse(std::string_view text);

  // `host` as SocketAddress::host() writes it. The last entry that names it decides. False for what is no address.
  bool contains(std::string_view host) const;
  bool empty() const { return ranges_.empty(); }

 private:
  struct Range {
    AddressBytes first, last;
    bool excluded = false;
  };
  static Result<Range> parse_entry(std::string_view entry);
  std::vector<Range> ranges_;
};

}  // namespace jackdaw
