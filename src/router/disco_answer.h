// What the domain says of itself: the content of its disco#info (XEP-0030 §3.1) and the hash over it (XEP-0115 §5.1),
// which two modules need and which must fit each other.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "router/domain.h"

namespace jackdaw {

// XEP-0115 §4: names the software; with '#' and the hash behind it, it is a node of disco#info.
constexpr std::string_view caps_node = "urn:jackdaw";

DiscoInfo disco_info_of(Domain& domain, To where);
// The elements inside <query/>.
std::string xml_of(const DiscoInfo& info);
// XEP-0115 §5.1 with SHA-1, as base64.
std::string verification_string(DiscoInfo info);

}  // namespace jackdaw
