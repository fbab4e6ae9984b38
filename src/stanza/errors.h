// Stanza errors and stream errors: conditions by their wire names (RFC 6120 §8.3.3 and §4.9.3), each with a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "xml/reader.h"

namespace jackdaw {

constexpr std::string_view stanzas_ns = "urn:ietf:params:xml:ns:xmpp-stanzas";
constexpr std::string_view stream_errors_ns = "urn:ietf:params:xml:ns:xmpp-streams";

// RFC 6120 §8.3.3.
enum class Condition {
  bad_request,
  conflict,
  feature_not_implemented,
  forbidden,
  gone,
  internal_server_error,
  item_not_found,
  jid_malformed,
  not_acceptable,
  not_allowed,
  not_authorized,
  policy_violation,
  recipient_unavailable,
  redirect,
  registration_required,
  remote_server_not_found,
  remote_server_timeout,
  resource_constraint,
  service_unavailable,
  subscription_required,
  undefined_condition,
  unexpected_request,
};
std::string_view name_of(Condition condition);
// "cancel", "modify", "auth" or "wait", as RFC 6120 §8.3.3 associates them.
std::string_view type_of(Condition condition);

// An answer to a stanza that is refused. `text` is for a person; empty means the condition's own sentence.
struct StanzaError {
  Condition condition;
  std::string text = {};
  std::string extra = {};      // application-specific condition, ready XML
  std::string_view type = {};  // instead of type_of(condition)
  int code = 0;                // XEP-0086's number, where a specification still wants one
  std::string content = {};    // of gone and redirect: where to go (RFC 6120 §8.3.3.5, §8.3.3.14)

  std::string xml() const;
};

// RFC 6120 §4.9.3.
enum class StreamCondition {
  bad_format,
  bad_namespace_prefix,
  conflict,
  connection_timeout,
  host_gone,
  host_unknown,
  improper_addressing,
  internal_server_error,
  invalid_from,
  invalid_namespace,
  invalid_xml,
  not_authorized,
  not_well_formed,
  policy_violation,
  remote_connection_failed,
  reset,
  resource_constraint,
  restricted_xml,
  see_other_host,
  system_shutdown,
  undefined_condition,
  unsupported_encoding,
  unsupported_feature,
  unsupported_stanza_type,
  unsupported_version,
};
std::string_view name_of(StreamCondition condition);

// Why a stream ends.
struct StreamError {
  StreamCondition condition;
  std::string text = {};
  std::string content = {};  // of the condition's element: the host of see-other-host
  std::string extra = {};    // application-specific condition, ready XML

  std::string xml() const;  // <stream:error/>, for a stream that declared the prefix stream
};

StreamError stream_error_of(XmlError error);

}  // namespace jackdaw
