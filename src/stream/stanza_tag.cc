// SPDX-License-Identifier: Apache-2.0
#include "stream/stanza_tag.h"

namespace jackdaw {

std::optional<JidView> address_of(std::string_view raw, std::optional<Jid>& own) {
  const bool has_references = raw.find('&') != raw.npos;
  if (!has_references && is_prepared(raw)) return JidView::of_prepared(raw);
  own = Jid::parse(has_references ? unescaped(raw) : std::string(raw));
  if (!own) return std::nullopt;
  return JidView(*own);
}

std::optional<StanzaError> read_tag(const Element& element, Kind kind, StanzaTag& tag) {
  const auto type = type_of(kind, element.attribute("type"));
  if (!type) return StanzaError{Condition::bad_request, "The stanza has no type that is defined for it."};
  tag.type = *type;
  const auto raw_to = element.raw_attribute("to");
  if (raw_to.data()) {
    const auto to = address_of(raw_to, tag.to_own);
    if (!to) return StanzaError{Condition::jid_malformed};
    tag.to = *to;
  }
  if (kind != Kind::iq) return std::nullopt;
  // RFC 6120 §8.2.3.
  if (element.raw_attribute("id").empty()) return StanzaError{Condition::bad_request, "An iq needs an id."};
  const bool request = *type == Type::get || *type == Type::set;
  if (request && element.count_children() != 1)
    return StanzaError{Condition::bad_request, "An iq request has exactly one child element."};
  return std::nullopt;
}

}  // namespace jackdaw
