// Negotiation: what is known of a stream before it is bound, and how it answers. Shared by negotiate.cc (before the
// account is proven), authenticate.cc (SASL), c2s.cc (binding) and component.cc.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/listener.h"
#include "stanza/errors.h"
#include "stream/channel_binding.h"
#include "stream/stream_shard.h"
#include "stream/xml_stream.h"

namespace jackdaw {

constexpr std::string_view tls_ns = "urn:ietf:params:xml:ns:xmpp-tls";
constexpr std::string_view sasl_ns = "urn:ietf:params:xml:ns:xmpp-sasl";
constexpr std::string_view component_ns = "jabber:component:accept";
constexpr std::string_view bind_ns = "urn:ietf:params:xml:ns:xmpp-bind";

constexpr XmlLimits limits_before_authentication{.bytes = 10'000, .elements = 32, .depth = 16};
constexpr std::size_t bytes_before_authentication = 64 * 1024;  // in all
// Where GSSAPI is a way to log in: a ticket with many groups in it is large. These hold for its messages alone, what is
// none has the usual limits (overstep()).
constexpr XmlLimits limits_with_tickets{.bytes = 64 * 1024, .elements = 32, .depth = 16};
constexpr std::size_t bytes_with_tickets = 192 * 1024;

struct Negotiation {
  std::unique_ptr<XmlStream> stream;
  StreamShard* shard;
  Steady deadline;     // to log in by
  Steady begun{};      // when it connected
  std::string domain;  // what the stream header's `to` named; frozen once an account is proven
  std::string lang;
  // What this stream may log in with, strongest first (RFC 6120 §6.3.3): as advertised, and those that also work.
  std::vector<std::string> mechanisms_offered, mechanisms_accepted;
  std::vector<ChannelBinding> bindings;
  bool takes_tickets = false;   // its reader's limits are those with tickets
  bool with_ticket = false;     // what is said now belongs to an exchange of GSSAPI
  std::size_t usual_bytes = 0;  // where it takes tickets: of elements that belong to none
  std::string claimed;          // the account of the last try, for the log
  std::string account;          // that is proven, on the stream behind the log-in
  int failures = 0;             // of SASL on this connection, weighed
  bool proof_failed = false;    // the last one was a wrong password
  bool header_sent = false;
  bool has_version = true;
  bool is_server = false;         // the header was one of jabber:server
  std::string remote;             // its `from`, prepared; empty: it named none
  bool is_component = false;      // the header was one of jabber:component:accept; `domain` is its name then
  std::string handshake;          // what it proved itself with
  bool offers_both_ways = false;  // to another server (XEP-0288)
  bool both_ways = false;         // and it has accepted
  std::string stream_id;          // of our last header

  Shard& core_shard() { return shard->shard; }
  Domain* served() { return core_shard().domain(domain); }
  void write(std::string_view bytes) { stream->write(bytes); }
  const Log& log() const { return stream->log(); }
};

// Reads the client's stream header and answers with ours (RFC 6120 §4.2, §4.7). False: the stream has ended.
Task<bool> open_stream(Negotiation& n);
// Ends the stream with an error: the header if it was not sent yet, the error, the closing tag, the log line, the
// counter.
Task<void> end_stream(Negotiation& n, StreamError why);
inline StreamError said_too_much() {
  return {StreamCondition::policy_violation, "You sent too much before logging in."};
}
// The same for what next() said when it said no element. Quiet where the peer has just gone.
Task<void> end_stream(Negotiation& n, Heard::What what);

// What a SASL exchange ended in: the account, and what <success/> is to carry; or empty, and the client was told.
struct Authenticated {
  BareJid account;
  std::string success;          // ready XML
  bool is_temporary = false;    // ANONYMOUS: there is no such account yet
  bool by_certificate = false;  // EXTERNAL: until it expires
  KeysMark keys = no_keys;      // that the password was checked with; no_keys: it was no password
  // XEP-0078: the session is to have this resource, and that request is to be answered.
  std::string resource = {}, request_id = {};
};
// The usual limits before authentication, for an element that a reader with larger ones has let through.
std::optional<StreamError> overstep(Negotiation& n, const OwnedElement& owned);
// Sets what is offered and accepted now.
void choose_mechanisms(Negotiation& n);
Task<std::optional<Authenticated>> authenticate(Negotiation& n, OwnedElement auth, bool& ended);

// How long until that account may try to log in from this address; and what became of a try. For all mechanisms.
Task<Seconds> wait_before(Negotiation& n, std::string account);
Task<void> note_outcome(Negotiation& n, std::string account, bool good);

// Whether some secret would make a component of that name.
bool may_be_component(const Shard& shard, std::string_view domain);
// One line when an item of component.secrets is none.
Result<Done> check_component_secrets(const Settings& settings);
// XEP-0114: goes on behind the stream headers of a component.
Task<void> accept_component(Negotiation n);

// Goes on behind the stream headers of another server.
Task<void> accept_server(Negotiation n);
// Answers <starttls/>: the context and whom it may choose by name. False: the stream has ended.
Task<bool> upgrade(Negotiation& n, SSL_CTX* context, const TlsChooser& chooser);

// Accepts a connection: from its first byte until its role and account are known. Start of every stream's story.
Task<void> negotiate(std::unique_ptr<Transport> transport, TlsMode mode, StreamShard& here);
// Goes on at the account's home core: success, binding, the session.
Task<void> serve_client(Negotiation n, Authenticated who);

}  // namespace jackdaw
