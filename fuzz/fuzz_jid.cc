// Any bytes as an address: what is prepared stays as it is, and the quick look never disagrees with the whole way.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "stanza/jid.h"

namespace jackdaw {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void require_unchanged(std::string_view part, const std::optional<std::string>& prepared) {
  require(prepared && *prepared == part);
}

// Each part by its own profile, without the quick look that Jid::parse() begins with.
void require_prepared(JidView view) {
  if (view.has_localpart()) require_unchanged(view.localpart(), prepare_localpart(view.localpart()));
  require_unchanged(view.domainpart(), prepare_domainpart(view.domainpart()));
  if (view.is_full()) require_unchanged(view.resourcepart(), prepare_resourcepart(view.resourcepart()));
}

void try_address(std::string_view text) {
  const auto jid = Jid::parse(text);
  if (is_prepared(text)) {
    require(jid && jid->text() == text);
    require_prepared(JidView::of_prepared(text));
  }
  require(!BareJid::parse(text) || (jid && !jid->is_full()));
  if (!jid) return;
  require(jid->localpart().size() <= 1023 && jid->domainpart().size() <= 1023 && jid->resourcepart().size() <= 1023);
  require_prepared(*jid);
  const auto again = Jid::parse(jid->text());
  require(again && again->text() == jid->text());
  require(again->localpart() == jid->localpart() && again->resourcepart() == jid->resourcepart());
}

void try_parts(std::string_view text) {
  if (const auto part = prepare_localpart(text)) require_unchanged(*part, prepare_localpart(*part));
  if (const auto part = prepare_domainpart(text)) require_unchanged(*part, prepare_domainpart(*part));
  if (const auto part = prepare_resourcepart(text)) require_unchanged(*part, prepare_resourcepart(*part));
  if (const auto part = prepare_password(text)) {
    // Composition may lengthen a text beyond what is read at all; only then is it refused the second time.
    const auto again = prepare_password(*part);
    require(again == part || (!again && part->size() > text.size()));
  }
  skeleton_of(text);  // UTS 39 does not promise that a skeleton is its own: these two must only come to an end
  is_single_script(text);
}

}  // namespace
}  // namespace jackdaw

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{data, data + size};
  jackdaw::try_address(text);
  jackdaw::try_parts(text);
  return 0;
}
