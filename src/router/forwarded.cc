// SPDX-License-Identifier: Apache-2.0
#include "router/forwarded.h"

namespace jackdaw {
namespace {

constexpr std::string_view component_stream_ns = "jabber:component:accept";

// COMPAT(slixmpp, 1.8.3): a component forwards stanzas in the namespace of its stream. What is inside leans on it.
std::string in_client_namespace(const Element& stanza) {
  std::string xml = stanza.xml();
  if (stanza.ns() != component_stream_ns) return xml;
  // Its own declaration, or the one that xml() has put behind its name.
  const auto declared = stanza.raw_attribute("xmlns");
  if (declared.data())
    return xml.replace(static_cast<std::size_t>(declared.data() - stanza.raw().data()), declared.size(), client_ns);
  return xml.replace(xml.find(component_stream_ns), component_stream_ns.size(), client_ns);
}

}  // namespace

std::string forwarded(const Stanza& stanza) {
  std::string xml = stanza.xml();
  // Behind the name of its outermost element.
  xml.insert(xml.find_first_of(" />"), " xmlns='jabber:client'");
  return "<forwarded xmlns='urn:xmpp:forward:0'>" + xml + "</forwarded>";
}

StanzaRef stanza_forwarded_in(const Element& around) {
  const Element wrapper = around.child(forwarded_name);
  for (Element inner = wrapper ? wrapper.first_child() : Element{}; inner; inner = inner.next_sibling())
    if (kind_of(inner.local()) && (inner.ns() == client_ns || inner.ns() == component_stream_ns))
      return Stanza::from_xml(in_client_namespace(inner));
  return nullptr;
}

}  // namespace jackdaw
