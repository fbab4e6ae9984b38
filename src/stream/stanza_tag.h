// StanzaTag: what the tag of a stanza says besides who it is from, checked (RFC 6120 §8.1, §8.2.3).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "stanza/errors.h"
#include "stanza/stanza.h"

namespace jackdaw {

// Not to be moved while `to` is looked at: it may point into the object.
struct StanzaTag {
  Type type{};
  JidView to;                 // empty: none was given
  std::optional<Jid> to_own;  // memory for one that was not written in its prepared form
};

// An address as a peer wrote it, decoded and prepared only when there is something to do. Empty: it is none.
std::optional<JidView> address_of(std::string_view raw, std::optional<Jid>& own);
// Fills `tag`. An error: the stanza is to be refused with it.
std::optional<StanzaError> read_tag(const Element& element, Kind kind, StanzaTag& tag);

}  // namespace jackdaw
