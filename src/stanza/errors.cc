// SPDX-License-Identifier: Apache-2.0
#include "stanza/errors.h"

namespace jackdaw {
namespace {

struct Row {
  std::string_view name, type, text;
};

// In the order of Condition.
constexpr Row stanza_rows[] = {
    {"bad-request", "modify", "The stanza is malformed or incomplete."},
    {"conflict", "cancel", "Something of that name exists already."},
    {"feature-not-implemented", "cancel", "This is not implemented here."},
    {"forbidden", "auth", "You are not permitted to do this."},
    {"gone", "cancel", "The address is no longer in use."},
    {"internal-server-error", "cancel", "The server failed; its log says why."},
    {"item-not-found", "cancel", "There is no such item."},
    {"jid-malformed", "modify", "The address is not a valid JID."},
    {"not-acceptable", "modify", "The server does not accept this."},
    {"not-allowed", "cancel", "Nobody may do this here."},
    {"not-authorized", "auth", "Authenticate first."},
    {"policy-violation", "modify", "This is against the server's policy."},
    {"recipient-unavailable", "wait", "The recipient is not available."},
    {"redirect", "modify", "Try another address."},
    {"registration-required", "auth", "Register first."},
    {"remote-server-not-found", "cancel", "The other server cannot be found."},
    {"remote-server-timeout", "wait", "The other server does not answer."},
    {"resource-constraint", "wait", "There is no room for more at present."},
    {"service-unavailable", "cancel", "The address does not offer this."},
    {"subscription-required", "auth", "Subscribe first."},
    {"undefined-condition", "cancel", "See the details."},
    {"unexpected-request", "wait", "This was not expected now."},
};

// In the order of StreamCondition.
constexpr std::string_view stream_names[] = {"bad-format",
                                             "bad-namespace-prefix",
                                             "conflict",
                                             "connection-timeout",
                                             "host-gone",
                                             "host-unknown",
                                             "improper-addressing",
                                             "internal-server-error",
                                             "invalid-from",
                                             "invalid-namespace",
                                             "invalid-xml",
                                             "not-authorized",
                                             "not-well-formed",
                                             "policy-violation",
                                             "remote-connection-failed",
                                             "reset",
                                             "resource-constraint",
                                             "restricted-xml",
                                             "see-other-host",
                                             "system-shutdown",
                                             "undefined-condition",
                                             "unsupported-encoding",
                                             "unsupported-feature",
                                             "unsupported-stanza-type",
                                             "unsupported-version"};

}  // namespace

std::string_view name_of(Condition condition) { return stanza_rows[static_cast<int>(condition)].name; }
std::string_view type_of(Condition condition) { return stanza_rows[static_cast<int>(condition)].type; }
std::string_view name_of(StreamCondition condition) { return stream_names[static_cast<int>(condition)]; }

std::string StanzaError::xml() const {
  const Row& row = stanza_rows[static_cast<int>(condition)];
  std::string out = "<error";
  if (code != 0) out += " code='" + std::to_string(code) + "'";
  out.append(" type='").append(type.empty() ? row.type : type).append("'><").append(row.name);
  out.append(" xmlns='").append(stanzas_ns);
  if (content.empty()) {
    out += "'/>";
  } else {
    out += "'>";
    append_escaped(out, content);
    out.append("</").append(row.name).append(">");
  }
  out.append("<text xmlns='").append(stanzas_ns).append("' xml:lang='en'>");
  append_escaped(out, text.empty() ? row.text : std::string_view{text});
  return out.append("</text>").append(extra).append("</error>");
}

std::string StreamError::xml() const {
  std::string out = "<stream:error><";
  out.append(name_of(condition)).append(" xmlns='").append(stream_errors_ns);
  if (content.empty()) {
    out += "'/>";
  } else {
    out += "'>";
    append_escaped(out, content);
    out.append("</").append(name_of(condition)).append(">");
  }
  if (!text.empty()) {
    out.append("<text xmlns='").append(stream_errors_ns).append("' xml:lang='en'>");
    append_escaped(out, text);
    out += "</text>";
  }
  return out.append(extra).append("</stream:error>");
}

StreamError stream_error_of(XmlError error) {
  switch (error) {
    case XmlError::none:
      break;
    case XmlError::not_well_formed:
      return {StreamCondition::not_well_formed, "The XML is not well-formed."};
    case XmlError::text_between:
      return {StreamCondition::bad_format, "Between stanzas there is nothing but white space."};
    case XmlError::restricted_xml:
      return {StreamCondition::restricted_xml,
              "Comments, processing instructions, DTDs and entity references are not allowed in XMPP."};
    case XmlError::bad_namespace_prefix:
      return {StreamCondition::bad_namespace_prefix, "A prefix is not declared."};
    case XmlError::unsupported_encoding:
      return {StreamCondition::unsupported_encoding, "XMPP is UTF-8 only."};
    case XmlError::too_big:
      return {StreamCondition::policy_violation, "A stanza, or a name in it, is larger than this server accepts."};
    case XmlError::too_many_elements:
      return {StreamCondition::policy_violation, "A stanza has more elements than this server accepts."};
    case XmlError::too_deep:
      return {StreamCondition::policy_violation, "A stanza is nested deeper than this server accepts."};
    case XmlError::too_many_attributes:
      return {StreamCondition::policy_violation, "An element has more attributes than this server accepts."};
    case XmlError::too_many_namespaces:
      return {StreamCondition::policy_violation, "More namespaces are declared than this server accepts."};
  }
  return {StreamCondition::internal_server_error};
}

}  // namespace jackdaw
