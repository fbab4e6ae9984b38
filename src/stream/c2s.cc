// One client connection at its account's home core: success, binding or resumption, then the read loop to the end.
// Start reading at serve_client(), at the end of the file. SPDX-License-Identifier: Apache-2.0

#include "base/bytes.h"
#include "base/metrics.h"
#include "stream/certificates_last.h"
#include "stream/client_session.h"
#include "stream/negotiation.h"
#include "stream/read_loop.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

const Metric binds_refused{"jackdaw_binds_refused", "Resources that clients were not bound to."};

constexpr auto close_time = 5s;
constexpr int most_binds = 10;  // refused tries of one connection

// XEP-0478 §2, RFC 6120 §7, RFC 6121 §2.6, §3.4: what a client finds after its log-in.
std::string features_after_authentication(Negotiation& n) {
  std::string out =
      "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
      "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"
      "<sm xmlns='urn:xmpp:sm:3'/>";
  out += "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>" + std::to_string(n.core_shard().value(c2s_max_stanza)) +
         "</max-bytes><idle-seconds>" + std::to_string(n.core_shard().value(c2s_idle).count() + answer_time.count()) +
         "</idle-seconds></limits>";
  for (const auto& feature : n.served()->stream_features())
    if (feature.when == StreamFeature::When::after_authentication) out += feature.xml(*n.served());
  return out + "</stream:features>";
}

BindConflict conflict_policy(Domain& domain) {
  const auto word = domain.value(c2s_bind_conflict);
  return word == "refuse" ? BindConflict::refuse : word == "rename" ? BindConflict::rename : BindConflict::replace;
}

std::string iq_result(std::string_view id, std::string_view payload) {
  std::string out = "<iq type='result' id='";
  append_escaped(out, id);
  return out.append("'>").append(payload).append("</iq>");
}

std::string iq_error(std::string_view id, const StanzaError& error) {
  std::string out = "<iq type='error' id='";
  append_escaped(out, id);
  return out.append("'>").append(error.xml()).append("</iq>");
}

// RFC 6120 §7.6, §7.7: the resource the client asks for, or one of ours.
std::optional<Jid> wished_jid(const BareJid& account, const Element& bind) {
  const std::string wish = bind.child({bind_ns, "resource"}).text();
  return Jid{JidView(account)}.with_resource(wish.empty() ? random_token(8) : wish);
}

StanzaError error_of(Attached::Outcome outcome) {
  switch (outcome) {
    case Attached::Outcome::conflict:
      return {Condition::conflict, "This resource is connected already."};
    case Attached::Outcome::too_many:
      return {Condition::resource_constraint, "Too many devices are connected."};
    default:
      return {Condition::not_allowed, "The account may not connect at present."};
  }
}

using SessionPtr = std::shared_ptr<ClientSession>;

// What a client wants to be bound to, and how it is told.
struct BindWish {
  std::string id;  // of its request
  std::optional<Jid> jid;
  bool by_iq_auth = false;  // XEP-0078: the answer is empty
  KeysMark keys = no_keys;  // as in Authenticated
};

std::string bound_payload(const BindWish& wish, const Jid& jid) {
  if (wish.by_iq_auth) return {};
  std::string bound = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>";
  append_escaped(bound, jid.text());
  return bound + "</jid></bind>";
}

void refuse_binding(Negotiation& n, const BindWish& wish, const StanzaError& error) {
  binds_refused.add();
  n.log().problem("binding refused", {{"condition", name_of(error.condition)}, {"why", error.text}});
  n.write(iq_error(wish.id, error));
}

// RFC 6120 §7. Null: it was refused, and the client may try again.
Task<SessionPtr> bind_resource(Negotiation& n, const BareJid& account, BindWish wish) {
  auto jid = wish.jid;
  if (!jid) {
    refuse_binding(n, wish, {Condition::bad_request, "That is no valid resource."});
    co_return nullptr;
  }
  if (!n.served()) co_return nullptr;
  const auto limit = static_cast<std::size_t>(n.served()->value(c2s_max_resources));
  for (int i = 0; i < 3; ++i) {
    auto session = std::make_shared<ClientSession>(*n.shard, *jid, n.lang);
    session->connect(*n.stream);
    if (!n.served()) co_return nullptr;
    const BindConflict policy = conflict_policy(*n.served());
    const Attached attached = co_await n.core_shard().router().attach(session, policy, limit, wish.keys);
    if (attached.outcome == Attached::Outcome::attached) {
      n.write(iq_result(wish.id, bound_payload(wish, *jid)));
      n.log().info("session bound", {{"jid", jid->text()}, {"core", n.core_shard().core().number()}});
      co_return session;
    }
    const bool rename = attached.outcome == Attached::Outcome::conflict && policy == BindConflict::rename;
    if (!rename || i == 2 || wish.by_iq_auth) {
      refuse_binding(n, wish, error_of(attached.outcome));
      co_return nullptr;
    }
    jid = jid->with_resource(std::string(jid->resourcepart()) + '-' + random_token(4));
    if (!jid) jid = Jid{JidView(account)}.with_resource(random_token(8));
  }
  co_return nullptr;
}

void fail_resumption(Negotiation& n, std::string_view condition, const std::string& h) {
  std::string out = "<failed xmlns='urn:xmpp:sm:3'" + h + "><";
  out.append(condition).append(" xmlns='").append(stanzas_ns).append("'/></failed>");
  n.write(out);
}

// XEP-0198 §5. Null: the client may bind instead.
Task<SessionPtr> resume_session(Negotiation& n, const BareJid& account, const OwnedElement& asked) {
  const Element element = asked.element();
  const auto h = sm_count(element.raw_attribute("h"));
  const auto id = ResumeId::parse(element.attribute("previd"));
  const auto found = id ? n.shard->resumable.find(*id) : n.shard->resumable.end();
  SessionPtr session = found == n.shard->resumable.end() ? nullptr : found->second.lock();
  if (!h) {
    fail_resumption(n, "bad-request", {});
    co_return nullptr;
  }
  // Only to the account whose session it is.
  if (!session || JidView(session->jid()).bare() != account.text()) {
    fail_resumption(n, "item-not-found", {});
    co_return nullptr;
  }
  // What is under way must be counted, or the client would send it twice.
  co_await session->caught_up(0);
  if (session->is_finished() || !session->resume(*n.stream, *h)) {
    fail_resumption(n, "item-not-found", " h='" + std::to_string(session->handled()) + "'");
    co_return nullptr;
  }
  n.log().info("session resumed", {{"jid", session->jid().text()}});
  co_return session;
}

// Until a session is bound or resumed. Null: the stream has ended.
Task<SessionPtr> bind_or_resume(Negotiation& n, const Authenticated& who) {
  const BareJid& account = who.account;
  for (int tries = 0; tries < most_binds; ++tries) {
    const Heard heard = co_await n.stream->next(n.core_shard(), n.deadline);
    if (heard.what != Heard::What::element) {
      co_await end_stream(n, heard.what);
      co_return nullptr;
    }
    const Element element = heard.element.element();
    SessionPtr session;
    if (!n.served()) {
      co_await end_stream(n, StreamError{StreamCondition::host_gone, "The domain is no longer served here."});
      co_return nullptr;
    } else if (element.is({client_ns, "iq"}) && element.attribute("type") == "set" && element.has_attribute("id") &&
               element.first_child().is({bind_ns, "bind"})) {
      BindWish wish{.id = element.attribute("id"), .jid = wished_jid(account, element.first_child()), .keys = who.keys};
      session = co_await bind_resource(n, account, std::move(wish));
    } else if (element.is({sm_ns, "resume"})) {
      session = co_await resume_session(n, account, heard.element);
    } else if (element.is({sm_ns, "enable"})) {
      fail_resumption(n, "unexpected-request", {});  // XEP-0198 §3: after binding only
    } else {
      // RFC 6120 §7.1.
      co_await end_stream(n, StreamError{StreamCondition::not_authorized, "Bind a resource first."});
      co_return nullptr;
    }
    if (session) co_return session;
  }
  co_await end_stream(n, StreamError{StreamCondition::policy_violation, "Too many tries to bind a resource."});
  co_return nullptr;
}

void tell_error(const XmlStream& stream, const ClientSession& session, const StreamError& error) {
  count_stream_error(error.condition);
  stream.log().problem("stream ended",
                       {{"condition", name_of(error.condition)}, {"why", error.text}, {"jid", session.jid().text()}});
}

// What was not written is routed again before the stream is closed: detach comes before close.
Task<void> end_session(XmlStream& stream, SessionPtr session, Ending ending) {
  using How = Ending::How;
  std::string last_words = "</stream:stream>";
  if (ending.how == How::replaced) {
    // XEP-0198 §5: the older stream of a resumed session.
    last_words = StreamError{StreamCondition::conflict, "The session was resumed elsewhere."}.xml() + last_words;
  } else if (ending.how == How::error) {
    last_words = ending.error->xml() + last_words;
    tell_error(stream, *session, *ending.error);
    session->flush();
    session->end(*ending.error);
    session->lose_connection();
  } else if (ending.how == How::closed) {
    stream.log().info("session closed", {{"jid", session->jid().text()}});
    session->flush();
    session->end({StreamCondition::reset});
    session->lose_connection();
  } else {
    if (ending.error) {
      last_words = ending.error->xml() + last_words;
      tell_error(stream, *session, *ending.error);
    } else {
      stream.log().info("connection lost", {{"jid", session->jid().text()}});
    }
    session->lose_connection();
  }
  stream.write(last_words);
  session.reset();
  co_await stream.transport->close(close_time);
}

// A bound session's life. What negotiation knew is gone by now: an idle session holds this much and no more.
Task<void> run_session(std::unique_ptr<XmlStream> stream, Shard* shard, SessionPtr session) {
  Ending ending = co_await read_loop(*stream, *shard, *session, c2s_idle);
  co_await end_session(*stream, std::move(session), std::move(ending));
}

// XEP-0078: the stream goes on as it is, and the log-in is the binding.
Task<SessionPtr> bind_as_asked(Negotiation& n, const Authenticated& who) {
  n.stream->reader.forget_header();
  auto jid = Jid{JidView(who.account)}.with_resource(who.resource);
  auto session = co_await bind_resource(n, who.account, {who.request_id, std::move(jid), true, who.keys});
  if (!n.served())
    co_await end_stream(n, StreamError{StreamCondition::host_gone, "The domain is no longer served here."});
  else if (!session)
    co_await end_stream(n, StreamError{StreamCondition::conflict, "The resource cannot be bound."});
  co_return session;
}

// RFC 6120 §6.4.6: a new stream, on which the client binds.
Task<SessionPtr> bind_anew(Negotiation& n, const Authenticated& who) {
  n.write(who.success);
  n.stream->reader.begin_next();
  n.header_sent = false;
  if (!who.is_temporary) n.account = who.account.text();
  if (!co_await open_stream(n)) co_return nullptr;
  if (n.has_version) n.write(features_after_authentication(n));
  n.stream->reader.forget_header();
  co_return co_await bind_or_resume(n, who);
}

}  // namespace

Task<void> serve_client(Negotiation n, Authenticated who) {
  n.stream->set_role("XMPPS");
  n.stream->set_budget(static_cast<std::size_t>(-1));
  if (who.is_temporary) {
    if (const auto admitted = co_await n.core_shard().router().admit_temporary(who.account); !admitted) {
      n.log().failure("nobody can be let in without an account", {{"why", admitted.failure().what}});
      co_await end_stream(n, StreamError{StreamCondition::internal_server_error, "Try again later."});
      co_return;
    }
  }
  n.stream->reader.set_limits({.bytes = static_cast<std::uint32_t>(n.core_shard().value(c2s_max_stanza))});
  SessionPtr session = co_await (who.resource.empty() ? bind_anew(n, who) : bind_as_asked(n, who));
  if (!session) {
    if (who.is_temporary) n.core_shard().router().dismiss_temporary(who.account);
    co_return;
  }
  if (who.is_temporary) session->stay_here();
  session->end_in(who.by_certificate ? certificates_last(n.stream->transport->ssl(), n.core_shard().core().wall())
                                     : std::nullopt);
  spawn(run_session(std::move(n.stream), &n.core_shard(), std::move(session)));
}

}  // namespace jackdaw
