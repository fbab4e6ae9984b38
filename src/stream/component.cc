// XEP-0114: Jabber Component Protocol (jabber:component:accept). From the stream header of a component to the end of
// its connection, at the home core of its name. Start reading at accept_component(), at the end of the file.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "base/metrics.h"
#include "stream/move.h"
#include "stream/negotiation.h"
#include "stream/open_stanzas.h"
#include "stream/outbox.h"
#include "stream/read_loop.h"
#include "stream/stanza_tag.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

constexpr auto close_time = 5s;
constexpr auto wrong_handshake = "The handshake is wrong.";

const Metric stanzas_from_components{"jackdaw_component_stanzas_received", "Stanzas read from components."};

void refuse_unheard(Router& router, const Stanza& stanza) {
  if (stanza.kind() == Kind::presence) return;
  router.refuse(stanza, StanzaError{Condition::remote_server_timeout, "The component is not connected."});
}

// Its own secret, or that of all; empty: this name is not a component's.
std::string secret_of(const Shard& shard, std::string_view domain) {
  for (const auto& row : shard.value(component_secrets)) {
    const auto split = row.find('=');
    if (split != row.npos && prepare_domainpart(row.substr(0, split)) == domain) return row.substr(split + 1);
  }
  return shard.value(component_password);
}

// What a component has said to prove its name, on the stream of that id.
struct Proof {
  std::string stream_id, handshake;

  // XEP-0114 §3: SHA-1 of the stream's id and the secret, in lower-case hexadecimal digits.
  bool holds(const Shard& shard, std::string_view domain) const {
    const std::string secret = secret_of(shard, domain);
    return !secret.empty() && equal_in_constant_time(handshake, to_hex(sha1(stream_id + secret)));
  }
};

// A connected component as the router sees it.
class ComponentSession final : public Component, private OutboxOwner {
 public:
  static constexpr std::size_t max_open = OpenStanzas::max;

  ComponentSession(Shard& home, XmlStream& stream, std::string domain, Proof proof);
  ~ComponentSession() override { home_.router().strike_off(number_); }

  // Component, for the router.
  void deliver(StanzaRef stanza) override;
  void settled(std::uint32_t number) override;
  void end(StreamError why) override;
  void check_proof() override;

  // All cores send to it: the handshake's answer goes out before anything that has come until now.
  void begin();
  // Nothing is taken for it any more.
  void stop();
  // Whoever wrote to it and was not heard gets an error.
  void finish();

  // For the read loop.
  std::optional<StreamError> take_stanza(const XmlReader& reader);
  bool is_crowded() const { return outbox_.is_crowded(); }
  bool is_behind() const { return has_many_open(); }
  bool has_many_open() const { return open_.are_many(); }
  Task<void> caught_up(std::size_t open) {
    if (!why_ended_) co_await open_.caught_up(open);
  }
  bool is_served_by(const XmlStream&) const { return true; }
  const StreamError* why_ended() const { return why_ended_ ? &*why_ended_ : nullptr; }
  // The protocol has no question; what cannot be written shows that nobody is there.
  bool ask_for_life() {
    outbox_.push_raw(" ");
    return false;
  }
  Rate rate() const { return {home_.value(component_rate), home_.value(component_rate)}; }
  void flush() { outbox_.flush(); }
  const std::string& domain() const { return domain_; }

 private:
  std::optional<StreamError> refuse(const Element& element, Kind kind, const StanzaError& error);
  void stuck() override { end({StreamCondition::resource_constraint, "You do not read what is sent to you."}); }
  std::string trailer() override { return {}; }
  const Log* stream_log() const override { return &stream_.log(); }

  Shard& home_;
  XmlStream& stream_;
  const std::uint64_t number_;
  const std::string domain_;
  const Proof proof_;
  Outbox outbox_;
  OpenStanzas open_;
  std::optional<StreamError> why_ended_;
  std::vector<StanzaRef> early_;  // until all cores know it; as much as the outbox may hold
  std::size_t early_bytes_ = 0;
  bool begun_ = false;
};

ComponentSession::ComponentSession(Shard& home, XmlStream& stream, std::string domain, Proof proof)
    : home_(home),
      stream_(stream),
      number_(stream.number),
      domain_(std::move(domain)),
      proof_(std::move(proof)),
      outbox_(*stream.transport, static_cast<std::size_t>(home.value(component_outbox)),
              static_cast<OutboxOwner&>(*this)) {
  home_.router().enlist(number_, this);
}

void ComponentSession::deliver(StanzaRef stanza) {
  // Not at once: whoever calls may be looking at what the error would change.
  if (why_ended_)
    return home_.core().later(
        [&router = home_.router(), stanza = std::move(stanza)] { refuse_unheard(router, *stanza); });
  if (begun_) return outbox_.push(std::move(stanza));
  early_bytes_ += stanza->wire_size();
  early_.push_back(std::move(stanza));
  if (early_bytes_ > static_cast<std::size_t>(home_.value(component_outbox))) stuck();
}

void ComponentSession::begin() {
  outbox_.push_raw("<handshake/>");
  begun_ = true;
  for (auto& stanza : std::exchange(early_, {})) outbox_.push(std::move(stanza));
}

void ComponentSession::end(StreamError why) {
  if (why_ended_) return;
  why_ended_ = std::move(why);
  open_.wake();
  stream_.transport->interrupt();
}

// RFC 6120 §4.9.3.16.
void ComponentSession::check_proof() {
  if (!proof_.holds(home_, domain_)) end({StreamCondition::reset, "Your secret is another one now."});
}

void ComponentSession::stop() {
  if (!why_ended_) why_ended_ = StreamError{StreamCondition::reset};
}

void ComponentSession::finish() {
  stop();
  home_.components().detach(domain_, *this);
  for (const auto& stanza : std::exchange(early_, {})) refuse_unheard(home_.router(), *stanza);
  for (const auto& entry : outbox_.take_unwritten())
    if (entry.stanza) refuse_unheard(home_.router(), *entry.stanza);
}

void ComponentSession::settled(std::uint32_t) { open_.take(); }

// XEP-0114 §3: `to` and `from` always, and `from` at the component's name.
std::optional<StreamError> ComponentSession::take_stanza(const XmlReader& reader) {
  const Element element = reader.element();
  const auto kind = kind_of(element.local());
  if (element.ns() != component_ns || !kind)
    return StreamError{StreamCondition::unsupported_stanza_type, "This first-level element is not known here."};
  stanzas_from_components.add();
  std::optional<Jid> from_own;
  const auto raw_from = element.raw_attribute("from");
  if (!raw_from.data() || !element.has_attribute("to"))
    return StreamError{StreamCondition::improper_addressing, "A component's stanza needs `from` and `to`."};
  const auto from = address_of(raw_from, from_own);
  if (!from || from->domainpart() != domain_)
    return StreamError{StreamCondition::invalid_from, "A component sends from addresses at its own name only."};
  StanzaTag tag;
  if (const auto refused = read_tag(element, *kind, tag)) return refuse(element, *kind, *refused);
  const auto stanza = Stanza::make(reader, {*kind, tag.type, *from, tag.to, {}});
  open_.add();
  if (home_.router().hand_over(stanza, {static_cast<std::uint32_t>(home_.core().number()), 0, number_})) open_.take();
  return std::nullopt;
}

// Answered though it is no Stanza, unless it is an answer itself.
std::optional<StreamError> ComponentSession::refuse(const Element& element, Kind kind, const StanzaError& error) {
  const auto type = element.raw_attribute("type");
  if (type == "error" || (kind == Kind::iq && type == "result")) return std::nullopt;
  count_malformed_stanza();
  stream_.log().info("stanza refused", {{"condition", name_of(error.condition)}, {"kind", name_of(kind)}});
  const auto from = Jid::parse(element.attribute("from"));
  const auto to = BareJid::parse(domain_);
  if (from && to) deliver(Stanza::make({kind, Type::error, JidView(*to), *from}, element.attribute("id"), error.xml()));
  return std::nullopt;
}

Task<void> run_component(std::unique_ptr<XmlStream> stream, Shard* shard, std::shared_ptr<ComponentSession> session) {
  const Ending ending = co_await read_loop(*stream, *shard, *session, c2s_idle);
  std::string last_words = "</stream:stream>";
  if (ending.error) {
    last_words = ending.error->xml() + last_words;
    count_stream_error(ending.error->condition);
    stream->log().problem("stream ended",
                          {{"condition", name_of(ending.error->condition)}, {"why", ending.error->text}});
  } else {
    stream->log().major("component gone", {{"domain", session->domain()}});
  }
  session->stop();
  if (ending.how != Ending::How::lost) {
    session->flush();
    // What is on its way is not unheard yet.
    co_await stream->transport->drained(close_time);
  }
  session->finish();
  session.reset();  // its outbox needs the transport
  stream->write(last_words);
  co_await stream->transport->close(close_time);
}

// On the home core of its name.
Task<void> serve_component(Negotiation n) {
  n.stream->set_role("XMPPC");
  n.stream->transport->find_silent_death(30s);
  n.stream->set_budget(static_cast<std::size_t>(-1));
  n.stream->reader.set_limits({.bytes = static_cast<std::uint32_t>(n.core_shard().value(component_max_stanza))});
  Shard& shard = n.core_shard();
  Proof proof{n.stream_id, n.handshake};
  if (!proof.holds(shard, n.domain)) {  // changed meanwhile
    co_await end_stream(n, StreamError{StreamCondition::not_authorized, wrong_handshake});
    co_return;
  }
  auto session = std::make_shared<ComponentSession>(shard, *n.stream, n.domain, std::move(proof));
  if (!co_await shard.components().attach(n.domain, session)) {
    session.reset();
    co_await end_stream(n, StreamError{StreamCondition::conflict, "This name is served already."});
    co_return;
  }
  n.log().major("component connected", {{"domain", n.domain}, {"address", n.stream->transport->address()}});
  session->begin();
  n.stream->reader.forget_header();
  spawn(run_component(std::move(n.stream), &shard, std::move(session)));
}

}  // namespace

bool may_be_component(const Shard& shard, std::string_view domain) { return !secret_of(shard, domain).empty(); }

// A row is "NAME=SECRET"; what is wrong is told without the row's text.
Result<Done> check_component_secrets(const Settings& settings) {
  std::size_t number = 0;
  for (const auto& row : settings.value(component_secrets)) {
    ++number;
    const auto split = row.find('=');
    if (split == row.npos || split + 1 == row.size() || !prepare_domainpart(row.substr(0, split)))
      return Failure{"component.secrets: item " + std::to_string(number) + " is not NAME=SECRET"};
  }
  return Done{};
}

Task<void> accept_component(Negotiation n) {
  const Heard heard = co_await n.stream->next(n.core_shard(), n.deadline);
  if (heard.what != Heard::What::element) {
    co_await end_stream(n, heard.what);
    co_return;
  }
  const Element element = heard.element.element();
  // From each address by itself: strangers elsewhere must not lock a component out.
  const std::string counted = n.domain + " from " + n.stream->transport->address();
  const bool may_try = co_await wait_before(n, counted) == 0s;
  n.handshake = element.text();
  const bool good = may_try && element.is({component_ns, "handshake"}) &&
                    Proof{n.stream_id, n.handshake}.holds(n.core_shard(), n.domain);
  if (may_try) co_await note_outcome(n, counted, good);
  if (!good) {
    co_await end_stream(n, StreamError{StreamCondition::not_authorized,
                                       may_try ? wrong_handshake : "Too many wrong handshakes; try later."});
    co_return;
  }
  StreamShard& home = n.shard->home_of(n.domain);
  move_to(home, std::move(n), serve_component);
}

}  // namespace jackdaw
