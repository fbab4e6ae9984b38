// The one message of SASL PLAIN (RFC 4616). Start at parse_plain().
//
// Plain values, any thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "stream/sasl_condition.h"

namespace jackdaw {

// As the client sent it: neither name nor password is prepared yet (stanza/jid.h does that).
struct PlainMessage {
  std::string authzid;  // empty when the client gave none
  std::string authcid;
  std::string password;
};

// `message` is what base64 decoding gave. malformed-request when it does not follow RFC 4616 §2.
std::variant<PlainMessage, SaslError> parse_plain(std::string_view message);

}  // namespace jackdaw
