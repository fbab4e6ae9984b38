// Any bytes as a row that grants something to a component, and as a stanza with a forwarded one in it: no crash; what
// is taken out can be forwarded again and is the same then. SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "router/forwarded.h"
#include "router/grants.h"

namespace {

using namespace jackdaw;

void demand(bool holds) {
  if (!holds) std::abort();
}

void take_out(std::string_view bytes) {
  const StanzaRef outer = Stanza::from_xml(bytes);
  const StanzaRef inner = outer ? stanza_forwarded_in(outer->first_child()) : nullptr;
  if (!inner) return;
  const StanzaRef again = Stanza::from_xml("<message><a xmlns='a'>" + forwarded(*inner) + "</a></message>");
  demand(again != nullptr);
  const StanzaRef same = stanza_forwarded_in(again->first_child());
  demand(same && same->xml() == inner->xml());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto grant = parse_grant(bytes)) demand(!grant->component.empty());
  take_out(bytes);
  return 0;
}
