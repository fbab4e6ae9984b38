// From the first byte to a proven account: stream header, STARTTLS, SASL, registration before log-in. Once per
// connection. Start reading at negotiate(), at the end of the file.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/metrics.h"
#include "net/listener.h"
#include "router/aliases.h"
#include "stream/exchange.h"
#include "stream/move.h"
#include "stream/negotiation.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

// ARCHITECTURE "Everything bounded": what a stranger may send.
constexpr auto first_byte_time = 10s;
constexpr auto handshake_time = 30s;
constexpr auto registration_time = 5min;
constexpr auto close_time = 5s;

void send_header(Negotiation& n, std::string_view content_ns) {
  const auto& asked = n.stream->reader.header();
  std::string out = "<?xml version='1.0'?><stream:stream xmlns='";
  append_escaped(out, content_ns);
  if (content_ns == server_ns) out += "' xmlns:db='jabber:server:dialback";
  out += "' xmlns:stream='http://etherx.jabber.org/streams' id='" + (n.stream_id = random_token(16)) + "'";
  // RFC 6120 §4.7.1: from names the domain; for one that is not ours, the one the client asked for is not claimed.
  const auto names = n.core_shard().domain_names();
  const std::string& from = !n.domain.empty() ? n.domain : names.empty() ? std::string() : names.front();
  if (!from.empty()) {
    out += " from='";
    append_escaped(out, from);
    out += '\'';
  }
  if (const auto from_client = Jid::parse(asked.from)) {
    out += " to='";
    append_escaped(out, from_client->text());
    out += '\'';
  }
  // RFC 6120 §4.7.5: without a version in theirs there is none in ours.
  if (n.has_version) out += " version='1.0'";
  n.write(out + " xml:lang='en'>");
  n.header_sent = true;
}

bool is_number(std::string_view text, unsigned& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

// RFC 6120 §4.7.5: major and minor number; no version at all is an old client's, and gets no features. To a later one
// we answer with ours.
bool is_supported(std::string_view version) {
  unsigned major = 0, minor = 0;
  const auto dot = version.find('.');
  return dot != version.npos && is_number(version.substr(0, dot), major) && is_number(version.substr(dot + 1), minor) &&
         major >= 1;
}

// XEP-0114 §3: `to` is the component's name.
std::optional<StreamError> check_component(Negotiation& n, const StreamHeader& header) {
  const auto domain = prepare_domainpart(header.to);
  if (!n.domain.empty()) return StreamError{StreamCondition::policy_violation, "The role of a stream may not change."};
  if (!domain || !may_be_component(n.core_shard(), *domain))
    return StreamError{StreamCondition::host_unknown, "No component of that name is expected here."};
  if (n.core_shard().domain(*domain))
    return StreamError{StreamCondition::conflict, "This server serves that domain itself."};
  // There is no STARTTLS in this protocol: on the way a stream could be read, and taken over behind the handshake.
  const Transport& transport = *n.stream->transport;
  if (!transport.is_encrypted() && !is_loopback(transport.address()) &&
      !n.core_shard().value(component_clear_from_afar))
    return StreamError{StreamCondition::policy_violation, "Components connect from this machine, or with TLS at once."};
  n.domain = *domain;
  n.is_component = true;
  return std::nullopt;
}

// RFC 6120 §4.7.1, §4.7.2: `to` is one of our domains, `from` the other server's.
std::optional<StreamError> check_server(Negotiation& n, const StreamHeader& header) {
  // RFC 6120 §4.9.3.10: also a namespace that is known but not served.
  if (!n.core_shard().remote_servers())
    return StreamError{StreamCondition::invalid_namespace, "Servers are not served here."};
  if (n.has_version && !is_supported(header.version))
    return StreamError{StreamCondition::unsupported_version, "This server speaks XMPP 1.0."};
  // COMPAT(jabberd2, 2.7.0): to servers without TLS it sends neither version nor addresses; its dialback has them.
  const bool is_old = !n.has_version && header.to.empty();
  if (header.to.empty() && !is_old)
    return StreamError{StreamCondition::improper_addressing, "A stream header needs `to`."};
  const auto domain = is_old ? std::string() : prepare_domainpart(header.to);
  if (!domain || (!is_old && !n.core_shard().domain(*domain) && !n.core_shard().components().has(*domain)))
    return StreamError{StreamCondition::host_unknown, "This server does not serve that domain."};
  const auto remote = header.from.empty() ? std::string() : prepare_domainpart(header.from);
  if (!remote || n.core_shard().domain(*remote) || n.core_shard().components().has(*remote))
    return StreamError{StreamCondition::invalid_from, "That is no domain of another server."};
  const bool is_first = !n.is_server && n.domain.empty();
  if (!is_first && (!n.is_server || n.domain != *domain || n.remote != *remote))
    return StreamError{StreamCondition::policy_violation, "The domains of a stream may not change."};
  n.domain = *domain;
  n.remote = *remote;
  n.is_server = true;
  return std::nullopt;
}

// RFC 6120 §4.9.3.9: behind the log-in `from`, where there is one, is the account or another name of it.
bool names_account(Negotiation& n, const std::string& from) {
  if (n.account.empty() || from.empty()) return true;
  const auto named = Jid::parse(from);
  return named && account_of(n.core_shard().aliases(), BareJid{JidView(*named)}).text() == n.account;
}

// Which condition the header earns; empty: it is good.
std::optional<StreamError> check_header(Negotiation& n, const StreamHeader& header) {
  if (header.ns != streams_ns)
    return StreamError{StreamCondition::invalid_namespace, "The stream's namespace is not known."};
  if (header.local != "stream")
    return StreamError{StreamCondition::bad_format, "A stream begins with <stream:stream>."};
  if (header.content_ns == component_ns) return check_component(n, header);
  if (header.content_ns == server_ns) return check_server(n, header);
  // RFC 6120 §4.8.2: the content namespace may also be declared on each stanza.
  if (header.content_ns != client_ns && header.content_ns != streams_ns)
    return StreamError{StreamCondition::invalid_namespace, "The stanzas' namespace is not known."};
  if (n.has_version && !is_supported(header.version))
    return StreamError{StreamCondition::unsupported_version, "This server speaks XMPP 1.0."};
  if (header.to.empty()) return StreamError{StreamCondition::improper_addressing, "A stream header needs `to`."};
  const auto domain = prepare_domainpart(header.to);
  if (!domain || !n.core_shard().domain(*domain))
    return StreamError{StreamCondition::host_unknown, "This server does not serve that domain."};
  if (!n.domain.empty() && (n.is_server || n.domain != *domain))
    return StreamError{StreamCondition::policy_violation, "The domain of a stream may not change."};
  if (!names_account(n, header.from))
    return StreamError{StreamCondition::invalid_from, "You have logged in as somebody else."};
  n.domain = *domain;
  const std::string elsewhere = n.core_shard().settings().value(c2s_redirect, n.domain);
  // RFC 6120 §4.9.3.19.
  if (!elsewhere.empty()) return StreamError{StreamCondition::see_other_host, {}, elsewhere};
  return std::nullopt;
}

std::string features_before_authentication(Negotiation& n) {
  Domain& domain = *n.served();
  std::string out = "<stream:features>";
  const bool encrypted = n.stream->transport->is_encrypted();
  const bool required = domain.value(auth_require_tls);
  if (!encrypted) {
    out += "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>";
    out += required ? "<required/></starttls>" : "</starttls>";
  }
  if (encrypted || !required) {
    choose_mechanisms(n);
    if (!n.mechanisms_offered.empty()) out += "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
    for (const auto& mechanism : n.mechanisms_offered) out += "<mechanism>" + mechanism + "</mechanism>";
    if (!n.mechanisms_offered.empty()) out += "</mechanisms>";
    if (!n.bindings.empty()) {
      // XEP-0440 §3.
      out += "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>";
      for (const auto& binding : n.bindings) out += "<channel-binding type='" + binding.name + "'/>";
      out += "</sasl-channel-binding>";
    }
    // XEP-0078 §4.
    if (domain.value(auth_iq_auth)) out += "<auth xmlns='http://jabber.org/features/iq-auth'/>";
    for (const auto& feature : domain.stream_features())
      if (feature.when == StreamFeature::When::before_authentication) out += feature.xml(domain);
  }
  return out + "</stream:features>";
}

// An iq that may come before a log-in (XEP-0077 §3.1). False: it may not.
Task<bool> answer_before_authentication(Negotiation& n, const OwnedElement& owned) {
  const Element iq = owned.element();
  const Element payload = iq.first_child();
  if (iq.ns() != client_ns || iq.local() != "iq" || !payload || iq.count_children() != 1) co_return false;
  const std::string to = iq.attribute("to");
  if (iq.raw_attribute("id").empty() || (!to.empty() && prepare_domainpart(to) != n.domain)) co_return false;
  const PreAuthHandler* handler = n.served()->find_before_authentication(payload.name());
  const auto type = type_of(Kind::iq, iq.attribute("type"));
  if (!handler || !type || (*type != Type::get && *type != Type::set)) co_return false;
  const StanzaRef stanza = Stanza::make({Kind::iq, *type, {}, n.served()->jid()}, iq.attribute("id"), payload.xml());
  const std::string address = n.stream->transport->address();
  Reply reply = StanzaError{Condition::internal_server_error};
  try {
    reply = co_await (*handler)(IqRequest{stanza, BareJid{}}, address);
  } catch (const std::exception& bug) {
    n.log().crash("a handler failed", {{"payload", payload.ns()}, {"why", bug.what()}});
  }
  const auto answer = reply.error() ? error_reply(*stanza, *reply.error()) : result_reply(*stanza, reply.payload());
  // A person fills the form in; once, however often it is asked for.
  if (!reply.error()) n.deadline = std::max(n.deadline, n.begun + registration_time);
  if (reply.error()) n.log().info("request refused", {{"condition", name_of(reply.error()->condition)}});
  n.write(answer->xml());
  co_return true;
}

bool is_iq_request(const Element& element) {
  const auto type = element.raw_attribute("type");
  return element.is({client_ns, "iq"}) && (type == "get" || type == "set");
}

// One stream, from its features to what ends it: an upgrade (true), a proven account, or the end (false).
Task<bool> negotiate_features(Negotiation& n, std::optional<Authenticated>& who) {
  if (n.has_version) n.write(features_before_authentication(n));
  for (;;) {
    Heard heard = co_await n.stream->next(n.core_shard(), n.deadline);
    if (heard.what != Heard::What::element) {
      co_await end_stream(n, heard.what);
      co_return false;
    }
    const Element element = heard.element.element();
    n.with_ticket = element.is({sasl_ns, "auth"}) && element.raw_attribute("mechanism") == "GSSAPI";
    if (const auto too_large = overstep(n, heard.element)) {
      co_await end_stream(n, *too_large);
      co_return false;
    }
    if (!n.served()) {
      co_await end_stream(n, StreamError{StreamCondition::host_gone, "The domain is no longer served here."});
      co_return false;
    }
    if (element.is({tls_ns, "starttls"})) {
      const auto tls = n.shard->tls;  // stays while a reload replaces it
      co_return co_await upgrade(n, tls->of(n.domain), tls->chooser());
    }
    if (element.is({sasl_ns, "auth"}) && !n.mechanisms_accepted.empty()) {
      bool ended = false;
      who = co_await authenticate(n, std::move(heard.element), ended);
      if (who || ended) co_return false;
      continue;
    }
    if (is_iq_request(element) && element.first_child().is({"jabber:iq:auth", "query"}) && takes_iq_auth(n)) {
      bool ended = false;
      co_await answer_iq_auth(n, heard.element, who, ended);
      if (who || ended) co_return false;
      continue;
    }
    if (!n.mechanisms_accepted.empty() && co_await answer_before_authentication(n, heard.element)) continue;
    // RFC 6120 §4.9.3.12: nothing else may come before authentication.
    co_await end_stream(n, StreamError{StreamCondition::not_authorized, "Log in first."});
    co_return false;
  }
}

}  // namespace

// RFC 6120 §5.4: what came behind <starttls/> in clear is discarded with the reader's memory.
Task<bool> upgrade(Negotiation& n, SSL_CTX* context, const TlsChooser& chooser) {
  if (n.stream->transport->is_encrypted() || !context) {
    n.write("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
    co_await n.stream->transport->close(close_time);
    co_return false;
  }
  n.write("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  n.stream->reader.restart();
  n.header_sent = false;
  if (!co_await n.stream->transport->start_tls(context, chooser, handshake_time)) {
    count_handshake_failure();
    n.log().problem("TLS handshake failed",
                    {{"address", n.stream->transport->address()}, {"why", TlsState::last_error()}});
    n.stream->transport->abandon();
    co_return false;
  }
  co_return true;
}

Task<bool> open_stream(Negotiation& n) {
  const Heard heard = co_await n.stream->next(n.core_shard(), n.deadline);
  if (heard.what != Heard::What::header) {
    co_await end_stream(n, heard.what);
    co_return false;
  }
  const StreamHeader& header = n.stream->reader.header();
  n.has_version = !header.version.empty();
  n.lang = header.lang.substr(0, 64);
  const auto refused = check_header(n, header);
  send_header(n, header.content_ns == server_ns || header.content_ns == component_ns ? header.content_ns : client_ns);
  if (!refused) co_return true;
  co_await end_stream(n, *refused);
  co_return false;
}

Task<void> end_stream(Negotiation& n, StreamError why) {
  count_stream_error(why.condition);
  n.log().problem(
      "stream ended",
      {{"condition", name_of(why.condition)}, {"why", why.text}, {"address", n.stream->transport->address()}});
  if (!n.header_sent) send_header(n, client_ns);
  n.write(why.xml() + "</stream:stream>");
  co_await n.stream->transport->close(close_time);
}

Task<void> end_stream(Negotiation& n, Heard::What what) {
  switch (what) {
    case Heard::What::error:
      co_await end_stream(n, stream_error_of(n.stream->reader.error()));
      break;
    case Heard::What::silent:
      co_await end_stream(n, StreamError{StreamCondition::connection_timeout, "You took too long."});
      break;
    case Heard::What::interrupted:
      co_await end_stream(n, StreamError{StreamCondition::system_shutdown, "The server is going down."});
      break;
    case Heard::What::too_much:
      co_await end_stream(n, said_too_much());
      break;
    case Heard::What::header:
    case Heard::What::element:
      co_await end_stream(n, StreamError{StreamCondition::bad_format, "A stream header was expected."});
      break;
    case Heard::What::close:
      if (!n.header_sent) send_header(n, client_ns);
      n.write("</stream:stream>");
      co_await n.stream->transport->close(close_time);
      break;
    case Heard::What::closed:
      n.stream->transport->abandon();
      break;
  }
}

Task<void> negotiate(std::unique_ptr<Transport> transport, TlsMode mode, StreamShard& here) {
  const Steady now = here.shard.core().now();
  Negotiation n{.stream = std::make_unique<XmlStream>(std::move(transport), here.shard.server().next_number++),
                .shard = &here,
                .deadline = now + first_byte_time,
                .begun = now};
  n.stream->reader.set_limits(limits_before_authentication);
  n.stream->set_budget(bytes_before_authentication);
  n.log().info("connection accepted", {{"address", n.stream->transport->address()}});
  if (mode == TlsMode::at_once) {
    const auto tls = here.tls;
    SSL_CTX* context = tls->of({});
    if (!context || !co_await n.stream->transport->start_tls(context, tls->chooser(), handshake_time)) {
      count_handshake_failure();
      n.log().problem("TLS handshake failed",
                      {{"address", n.stream->transport->address()}, {"why", TlsState::last_error()}});
      co_return;
    }
    n.deadline = here.shard.core().now() + first_byte_time;
  }
  std::optional<Authenticated> who;
  for (bool again = true; again;) {
    if (!co_await open_stream(n)) co_return;
    n.deadline = now + here.shard.value(c2s_login_time);
    if (n.is_component || n.is_server) {
      spawn(n.is_server ? accept_server(std::move(n)) : accept_component(std::move(n)));
      co_return;
    }
    again = co_await negotiate_features(n, who);
  }
  if (!who) co_return;
  StreamShard& home = here.home_of(who->account.text());
  move_to(home, std::move(n), [known = std::move(*who)](Negotiation there) mutable {
    return serve_client(std::move(there), std::move(known));
  });
}

}  // namespace jackdaw
