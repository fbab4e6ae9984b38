// SPDX-License-Identifier: Apache-2.0
#include "stream/shown_xml.h"

#include <algorithm>

namespace jackdaw {
namespace {

constexpr std::size_t longest = 8 * 1024;

// What these namespaces hold are proofs and passwords: SASL (RFC 6120 §6, XEP-0388, XEP-0484), sign-up (XEP-0077),
// XEP-0078, dialback keys (XEP-0220).
constexpr std::string_view secret_namespaces[] = {"urn:ietf:params:xml:ns:xmpp-sasl",
                                                  "urn:xmpp:sasl:",
                                                  "urn:xmpp:fast:",
                                                  "jabber:iq:register",
                                                  "jabber:iq:auth",
                                                  "jabber:server:dialback"};

bool is_secret(const Element& element) {
  if (std::ranges::any_of(secret_namespaces, [&](auto ns) { return element.ns().starts_with(ns); })) return true;
  const auto local = element.local();
  // What an administrator has filled in (XEP-0050): a new account's password, a setting's secret value.
  if (element.is({"http://jabber.org/protocol/commands", "command"}))
    if (const Element form = element.child({"jabber:x:data", "x"}))
      if (const auto type = form.raw_attribute("type"); type != "form" && type != "result") return true;
  // XEP-0114's proof, a room's password (XEP-0045 §7.2.6), an upload's key (XEP-0363 §5), and a form's (XEP-0133 §4.5).
  if (local == "handshake" || local == "header" || local.find("password") != local.npos) return true;
  // Of invitations and services (XEP-0249, XEP-0379, XEP-0215), of resumption (XEP-0198 §5).
  for (const std::string_view name : {"password", "token", "preauth", "secret", "previd", "pwd"})
    if (element.has_attribute(name)) return true;
  if (local == "field" && element.raw_attribute("var").find("secret") != std::string_view::npos) return true;
  return local == "field" && element.raw_attribute("var").find("password") != std::string_view::npos;
}

// As deep as the reader lets an element be (XmlLimits).
bool has_secret(const Element& element) {
  if (is_secret(element)) return true;
  for (Element child = element.first_child(); child; child = child.next_sibling())
    if (has_secret(child)) return true;
  return false;
}

std::string shortened(std::string_view text) {
  if (text.size() <= longest) return std::string{text};
  return std::string{text.substr(0, longest)} + "... (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace

std::string shown_xml(const Element& element) {
  if (!has_secret(element)) return shortened(element.raw());
  return "<" + std::string{element.local()} + " xmlns='" + std::string{element.ns()} + "'> (with a secret, " +
         std::to_string(element.raw().size()) + " bytes)";
}

std::string shown_raw(std::string_view bytes) {
  if (bytes.starts_with("<?xml") || bytes.starts_with("<stream:") || bytes.starts_with("</")) return shortened(bytes);
  if (bytes == " ") return "a blank, to see whether the peer is there";
  const auto end = bytes.find_first_of(" />");
  return std::string{bytes.substr(0, std::min<std::size_t>(end, 64))} + "> (" + std::to_string(bytes.size()) +
         " bytes)";
}

}  // namespace jackdaw
