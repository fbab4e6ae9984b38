// From the headers of another server's stream to the proof of its domain: TLS, SASL EXTERNAL, or what dialback begins
// with. Start reading at accept_server(), at the end of the file.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "stream/move.h"
#include "stream/negotiation.h"
#include "stream/posh.h"
#include "stream/proven_by_dns.h"
#include "stream/s2s_policy.h"
#include "stream/server_link.h"
#include "stream/server_stream.h"
#include "stream/stream_counters.h"

namespace jackdaw {
namespace {

constexpr auto close_time = 5s;

std::string features_for_server(Negotiation& n) {
  const Transport& transport = *n.stream->transport;
  const TlsPolicy policy = tls_policy(n.core_shard().settings(), n.remote);
  std::string out = "<stream:features>";
  if (!transport.is_encrypted() && policy != TlsPolicy::never) {
    out += "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>";
    out += policy >= TlsPolicy::encrypted ? "<required/></starttls>" : "</starttls>";
  }
  // XEP-0178 §3: only to whom it will help.
  if (certificate_proves(n.core_shard(), *n.stream, n.remote))
    out += "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>";
  // No features come behind a proof by dialback, so stream management stands here too.
  if (policy <= TlsPolicy::wherever_possible || transport.is_encrypted())
    out += "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback><sm xmlns='urn:xmpp:sm:3'/>";
  n.offers_both_ways = n.core_shard().value(s2s_bidi) && !n.both_ways && !n.remote.empty() &&
                       (policy <= TlsPolicy::wherever_possible || transport.is_encrypted());
  if (n.offers_both_ways) out += "<bidi xmlns='urn:xmpp:features:bidi'/>";
  return out + "</stream:features>";
}

// The features, when it is known what the certificate proves.
Task<void> offer_features(Negotiation& n) {
  if (!n.has_version) co_return;
  XmlStream& stream = *n.stream;
  // In clear nothing was shown that could be proven.
  const bool shows_any = !n.remote.empty() && stream.transport->is_encrypted();
  const DnsRecords records = shows_any ? co_await dns_records_of(*n.shard, n.remote) : DnsRecords{};
  const DnsProof proof = proof_by(records, stream.transport->ssl(), n.remote);
  if (proof == DnsProof::proven) stream.proven_by_dns = n.remote;
  if (proof == DnsProof::refused) {
    stream.refused_by_dns = n.remote;
    n.log().problem("the proof of a domain's TLSA records is wrong", {{"from", n.remote}});
  }
  if (proof != DnsProof::refused && !n.remote.empty() &&
      tls_policy(n.core_shard().settings(), n.remote) == TlsPolicy::verified &&
      !certificate_proves(n.core_shard(), stream, n.remote) &&
      co_await posh_proves(*n.shard, stream.transport->ssl(), n.remote, stream.transport->address()))
    stream.proven_by_posh = n.remote;
  n.write(features_for_server(n));
}

// RFC 6120 §6.3.8: an authorization identity other than what was proven is refused.
bool is_external_for(Negotiation& n, const Element& auth) {
  if (auth.attribute("mechanism") != "EXTERNAL" || !certificate_proves(n.core_shard(), *n.stream, n.remote))
    return false;
  const std::string text = auth.text();
  if (text.empty() || text == "=") return true;
  const auto authzid = from_base64(text);
  return authzid && prepare_domainpart(*authzid) == n.remote;
}

// `proven`: by the certificate already. `first`: an element of dialback that has been read.
void serve_server(Negotiation n, bool proven, OwnedElement first) {
  n.stream->transport->find_silent_death(server_unanswered);
  n.stream->set_budget(static_cast<std::size_t>(-1));
  auto session = std::make_shared<ServerStream>(
      *n.shard, *n.stream, n.stream_id,
      n.both_ways ? ServerStream::Opened::by_peer_both_ways : ServerStream::Opened::by_peer,
      DomainPair{n.domain, n.remote});
  if (proven)
    session->prove_by_certificate({n.remote, n.domain});
  else
    session->take_dialback(first.element());
  n.stream->reader.forget_header();
  Shard* const shard = &n.core_shard();
  spawn(run_server_stream(std::move(n.stream), shard, std::move(session)));
}

enum class Next { again, external, serve, both_ways, ended };

// One element before anything is proven.
Task<Next> take_first(Negotiation& n, const OwnedElement& owned) {
  const Element element = owned.element();
  if (element.is({tls_ns, "starttls"})) {
    const auto tls = n.shard->tls;  // stays while a reload replaces it
    co_return co_await upgrade(n, tls->of_servers(n.domain), tls->chooser_for_servers()) ? Next::again : Next::ended;
  }
  if (element.is({streams_ns, "error"})) {
    n.log().problem("another server has ended its stream",
                    {{"from", n.remote}, {"why", describe_stream_error(element)}});
    n.write("</stream:stream>");
    co_await n.stream->transport->close(close_time);
    co_return Next::ended;
  }
  if (element.is({sasl_ns, "auth"})) {
    if (is_external_for(n, element)) {
      n.log().info("authenticated", {{"domain", n.remote}, {"mechanism", "EXTERNAL"}});
      n.write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
      n.stream->reader.begin_next();  // RFC 6120 §6.4.6: a new stream
      n.header_sent = false;
      co_return Next::external;
    }
    count_refused_proof();
    n.log().problem("a domain is not proven", {{"from", n.remote}, {"mechanism", element.attribute("mechanism")}});
    // XEP-0178 §3: and the stream ends.
    n.write("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>");
    co_await end_stream(n, StreamError{StreamCondition::not_authorized, "The certificate does not prove the domain."});
    co_return Next::ended;
  }
  if (read_dialback(element)) co_return Next::serve;
  // XEP-0288 §2.2: before the proof, behind TLS.
  if (element.is({"urn:xmpp:bidi", "bidi"}) && n.offers_both_ways) co_return Next::both_ways;
  co_await end_stream(n, StreamError{StreamCondition::not_authorized, "Prove your domain first."});
  co_return Next::ended;
}

Task<void> listen_to_server(Negotiation n);

// A stream that goes both ways lives where the queue of its pair does.
void go_both_ways(Negotiation n) {
  n.both_ways = true;
  n.offers_both_ways = false;
  Shard& home = n.core_shard().server().home_of_pair(n.domain, n.remote);
  StreamShard& there = *n.shard->all[static_cast<std::size_t>(home.core().number())];
  move_to(there, std::move(n), [](Negotiation moved) { return listen_to_server(std::move(moved)); });
}

// What it says before anything is proven; the features have been sent.
Task<void> listen_to_server(Negotiation n) {
  for (;;) {
    Heard heard = co_await n.stream->next(n.core_shard(), n.deadline);
    if (heard.what != Heard::What::element) {
      co_await end_stream(n, heard.what);
      co_return;
    }
    const Next next = co_await take_first(n, heard.element);
    if (next == Next::ended) co_return;
    if (next == Next::serve) {
      serve_server(std::move(n), false, std::move(heard.element));
      co_return;
    }
    if (next == Next::both_ways) {
      go_both_ways(std::move(n));
      co_return;
    }
    if (!co_await open_stream(n)) co_return;
    if (next == Next::external) break;
    co_await offer_features(n);
  }
  if (n.has_version) n.write("<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>");
  serve_server(std::move(n), true, {});
}

// For who sends on it; empty: nothing was wrong.
std::string why_it_ends(const Ending& ending, const std::string& peers_error) {
  if (ending.error) return std::string(name_of(ending.error->condition)) + ": " + ending.error->text;
  if (!peers_error.empty()) return "it ended the stream: " + peers_error;
  return ending.how == Ending::How::lost ? "the connection was lost" : "";
}

void note_end(const XmlStream& stream, const Ending& ending) {
  if (ending.error) {
    count_stream_error(ending.error->condition);
    stream.log().problem("stream ended",
                         {{"condition", name_of(ending.error->condition)}, {"why", ending.error->text}});
  } else if (ending.how == Ending::How::lost) {
    stream.log().problem("stream of another server lost", {{"address", stream.transport->address()}});
  } else {
    stream.log().info("stream of another server closed");
  }
}

}  // namespace

Task<void> run_server_stream(std::unique_ptr<XmlStream> stream, Shard* shard, std::shared_ptr<ServerStream> session) {
  Ending ending = co_await read_loop(*stream, *shard, *session, s2s_idle_timeout);
  if (session->is_closing()) ending.error.reset();
  const std::string why = why_it_ends(ending, session->peers_error());
  const std::string last_words = (ending.error ? ending.error->xml() : std::string{}) + "</stream:stream>";
  note_end(*stream, ending);
  // What a peer that has gone would not read is not written: it waits for the next stream.
  if (ending.how != Ending::How::lost && session->peers_error().empty()) session->flush();
  const bool lent = session->is_lent();
  if (lent && session->is_closing()) {
    co_await stream->transport->drained(close_time);
    session->flush();
  }
  const bool has_said_all = stream->transport->unsent() == 0;
  session->end_loan(why);
  // What has been handed back must not arrive all the same.
  if (lent && !has_said_all) {
    session->leave(why);
    stream->transport->abandon();
    co_return;
  }
  stream->write(last_words);
  if (ending.how == Ending::How::error && session->may_hear_on() && !shard->server().stopping) {
    session->hear_on(close_time);
    co_await read_loop(*stream, *shard, *session, s2s_idle_timeout);
  }
  session->leave(why);
  session.reset();
  co_await stream->transport->close(close_time);
}

Task<void> accept_server(Negotiation n) {
  co_await offer_features(n);
  co_await listen_to_server(std::move(n));
}

}  // namespace jackdaw
