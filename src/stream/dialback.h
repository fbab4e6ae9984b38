// XEP-0220: Server Dialback. Keys, and the elements that carry them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "stanza/errors.h"
#include "xml/tape.h"

namespace jackdaw {

constexpr std::string_view dialback_ns = "jabber:server:dialback";

// The two domains of a stream between servers, prepared.
struct DomainPair {
  std::string source, target;
  friend auto operator<=>(const DomainPair&, const DomainPair&) = default;
};

// XEP-0185 §3: what the originating server sends and its authoritative server knows again.
std::string dialback_key(std::string_view secret, std::string_view receiving, std::string_view originating,
                         std::string_view stream_id);

// <db:result/> or <db:verify/> with both addresses; `from` is the sender's side of the element.
struct DialbackElement {
  enum class What { result, verify } what;
  std::string from, to;
  std::string id, type, key;
};
// Empty: it is neither, or its addresses are no domains.
std::optional<DialbackElement> read_dialback(const Element& element);

std::string dialback_result(const DomainPair& from_to, std::string_view key);
std::string dialback_verify(const DomainPair& from_to, std::string_view id, std::string_view key);
// `type` is "valid" or "invalid". XEP-0220 §2.2.1, §2.2.2; `id` of a <db:verify/>.
std::string dialback_answer(const DialbackElement& asked, std::string_view type);
// XEP-0220 §2.4.
std::string dialback_error(const DialbackElement& asked, const StanzaError& error);

}  // namespace jackdaw
