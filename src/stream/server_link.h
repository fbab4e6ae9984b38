// A stream that we open to another server, up to the features behind TLS: found, connected, encrypted as the policy
// wants. Start reading at open_link(). SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "stanza/errors.h"
#include "stream/dialback.h"
#include "stream/s2s_policy.h"
#include "stream/stream_shard.h"
#include "stream/xml_stream.h"

namespace jackdaw {

// So long what we send to a server may go unanswered by TCP. TCP itself waits twice as long before each further try,
// and would find a network that is back too late: behind 30 s a new stream is sooner there.
constexpr Seconds server_unanswered{30};

// RFC 6120 §4.9: "it said condition "text"".
std::string describe_stream_error(const Element& error);

struct ServerLink {
  std::unique_ptr<XmlStream> stream;
  DomainPair pair;
  std::string stream_id;  // of the peer's last header
  bool encrypted = false;
  bool by_chain = false;            // it does so by its chain, not by the DNS or a web server
  std::string why_unverified = {};  // empty: the peer's certificate proves the target
  bool offers_external = false, offers_dialback = false, offers_management = false, offers_both_ways = false;
  bool managed = false;    // stream management (XEP-0198) is on, without resumption
  bool both_ways = false;  // the peer may send on it too (XEP-0288); management is not asked for yet

  bool is_verified() const { return encrypted && why_unverified.empty(); }
};

// Null with the error that what waits for it returns with.
struct LinkOutcome {
  std::unique_ptr<ServerLink> link;
  StanzaError error{Condition::remote_server_timeout};
  // Trying again soon makes sense: the network, the DNS or the peer may come back.
  bool may_come_back = true;
  // The server was there; it may answer another domain of ours.
  bool was_there = false;
};

// How much is tried for it: strangers make us ask for dialback's keys.
struct Effort {
  std::size_t places, addresses;  // of each
  Seconds time;                   // in all
};
constexpr Effort to_send{.places = 8, .addresses = 8, .time = 2min};
constexpr Effort to_ask{.places = 2, .addresses = 4, .time = 30s};

// On the calling core. Tries the places of the target in order, half a minute each at most.
Task<LinkOutcome> open_link(StreamShard& here, DomainPair pair, Effort effort);

// Proves our domain on it (SASL EXTERNAL, else dialback), after which stanzas of the pair may be sent; turns on what is
// offered: both ways, or else stream management. Empty: proven.
Task<std::optional<LinkOutcome>> prove_ourselves(StreamShard& here, ServerLink& link);

// XEP-0220 §2.1.2: asks the server of `pair.target` whether `key` is its own for the stream `id` that it opened to us.
// `whose`: the group of addresses that makes us ask (net/address.h); each has its share.
enum class KeyVerdict { valid, invalid, no_answer, no_server, too_busy };
Task<KeyVerdict> ask_authority(StreamShard& here, DomainPair pair, std::string id, std::string key, std::string whose);

// The rest of a stream that is not used any more: our closing tag, then the end of the connection.
Task<void> close_link(std::unique_ptr<XmlStream> stream, std::string last_words);

}  // namespace jackdaw
