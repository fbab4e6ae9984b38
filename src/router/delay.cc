// SPDX-License-Identifier: Apache-2.0
#include "router/delay.h"

namespace jackdaw {

bool is_delay_of(const Element& child, std::string_view by) {
  return child.is({"urn:xmpp:delay", "delay"}) && child.attribute("from") == by;
}

std::string delay_element(std::string_view by, TimePoint when) {
  return "<delay xmlns='urn:xmpp:delay' from='" + escaped(by) + "' stamp='" + to_datetime(when) + "'/>";
}

StanzaRef delayed(const Stanza& stanza, std::string_view by, TimePoint when) {
  std::string payload;
  for (Element child = stanza.first_child(); child; child = child.next_sibling())
    if (!is_delay_of(child, by)) payload.append(child.raw());
  payload += delay_element(by, when);
  return Stanza::make({stanza.kind(), stanza.type(), stanza.from(), stanza.to(), unescaped(stanza.raw_lang())},
                      unescaped(stanza.raw_id()), payload);
}

}  // namespace jackdaw
