// What comes from the client is checked and routed here, and what is for it is queued. Start reading at take_stanza().
// SPDX-License-Identifier: Apache-2.0
#include "stream/client_session.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "stream/certificates_last.h"
#include "stream/resume_timer.h"
#include "stream/s2s_settings.h"
#include "stream/stanza_tag.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

constexpr std::string_view enabled_begins = "<enabled ";

const Metric stanzas_received{"jackdaw_stanzas_received", "Stanzas read from clients."};

}  // namespace

ClientSession::ClientSession(StreamShard& home, Jid jid, std::string lang)
    : home_(home),
      jid_(std::move(jid)),
      lang_(std::move(lang)),
      number_(home.shard.server().next_number++),
      connected_at_(home.shard.core().wall()),
      last_heard_(home.shard.core().now()) {
  home_.shard.router().enlist(number_, this);
}

ClientSession::~ClientSession() { home_.shard.router().strike_off(number_); }

void ClientSession::connect(XmlStream& stream) {
  stream_ = &stream;
  last_address_ = stream.transport->address();
  outbox_ = std::make_unique<Outbox>(*stream.transport, static_cast<std::size_t>(home_.shard.value(c2s_outbox)),
                                     static_cast<OutboxOwner&>(*this));
}

// RFC 6120 §4.9.3.17: it does not read.
void ClientSession::stuck() {
  end({StreamCondition::resource_constraint, "You do not read what is sent to you; it is kept for later."});
}

void ClientSession::end(StreamError why) {
  if (finished_) return;
  if (!why_ended_) why_ended_ = std::make_unique<StreamError>(std::move(why));
  // Never at once: whoever calls may be looking at the account's resources.
  if (stream_)
    stream_->transport->interrupt();
  else
    home_.shard.core().later([self = shared_from_this()] { self->finish(); });
}

void ClientSession::end_in(std::optional<Seconds> left) {
  expiry_.reset();
  if (!left) return;
  expiry_ = std::make_unique<CallTimer>();
  expiry_->call(home_.shard.core().timers(), *left, [this] { end(certificates_expired()); });
}

void ClientSession::lose_connection() {
  if (finished_) return;
  const auto patience = home_.shard.value(c2s_resume_time);
  const bool resumable = resume_id_ && !why_ended_ && patience > 0s && !home_.shard.server().stopping;
  if (outbox_) keep_uncounted();
  outbox_.reset();
  stream_ = nullptr;
  asked_for_ack_ = false;
  if (!resumable) return finish();
  resume_timer_ = std::make_unique<ResumeTimer>(*this, home_.shard.core().timers(), patience);
}

// What the socket did not take is all we know to be unread of what came without stream management.
void ClientSession::keep_uncounted() {
  auto unwritten = outbox_->take_unwritten();
  if (managed_) {
    const auto enabled =
        std::ranges::find_if(unwritten, [](const auto& entry) { return entry.raw.starts_with(enabled_begins); });
    if (enabled == unwritten.end()) return;
    unwritten.erase(enabled, unwritten.end());
  }
  if (unwritten.empty()) return;
  uncounted_ = std::make_unique<SentQueue>();
  for (auto& entry : unwritten)
    if (entry.stanza) uncounted_->push({std::move(entry.stanza), entry.then, {}});
}

void ClientSession::finish() {
  if (std::exchange(finished_, true)) return;
  const auto self = shared_from_this();
  resume_timer_.reset();
  if (resume_id_) {
    home_.resumable.erase(*resume_id_);
    give_room_back(home_.resumable);
  }
  home_.shard.router().detach(self, {});
  const auto uncounted = std::exchange(uncounted_, {});
  const auto lost = std::exchange(unacknowledged_, {});
  tell_confirmations(Receipt::lost);
  if (uncounted) route_again(*uncounted);
  route_again(lost);
}

// XEP-0198 §4: with the time of the delivery that failed.
void ClientSession::route_again(const SentQueue& lost) {
  const Core& core = home_.shard.core();
  for (const auto& sent : lost)
    if (sent.then != Undelivered::drop)
      home_.shard.router().route_again(
          sent.stanza, sent.then,
          sent.at == Steady{} ? TimePoint{}
                              : core.wall() - std::chrono::duration_cast<TimePoint::duration>(core.now() - sent.at));
}

void ClientSession::tell_confirmations(Receipt receipt) {
  for (auto& c : std::exchange(confirmations_, {})) c.told(receipt);
}

void ClientSession::deliver(StanzaRef stanza) {
  // ARCHITECTURE "Acknowledged means durable": a reply waits for the fates of what was sent before.
  if (!fates_.all_known() && stanza->kind() == Kind::iq && is_servers_reply(*stanza)) {
    held_bytes_ += stanza->wire_size();
    held_.push_back({fates_.received(), std::move(stanza)});
    return;
  }
  push(std::move(stanza), Undelivered::route, home_.shard.core().now());
}

void ClientSession::deliver_kept(StanzaRef stanza) {
  if (!managed_) unmanaged_ = Unmanaged::sent;
  push(std::move(stanza), Undelivered::drop, {});
}

void ClientSession::deliver_copy(StanzaRef stanza) {
  push(std::move(stanza), Undelivered::route_unless_reached, home_.shard.core().now());
}

void ClientSession::deliver_again(StanzaRef stanza, bool is_copy, TimePoint since) {
  const Core& core = home_.shard.core();
  const auto at = core.now() - std::chrono::duration_cast<Steady::duration>(core.wall() - since);
  push(std::move(stanza), is_copy ? Undelivered::route_unless_reached : Undelivered::route, at);
}

// `at`: when it was first given to a session.
void ClientSession::push(StanzaRef stanza, Undelivered then, Steady at) {
  if (finished_) return;
  if (managed_) {
    unacknowledged_.push({stanza, then, at});
    if (too_much_is_unacknowledged()) return stuck();
  }
  if (outbox_) outbox_->push(std::move(stanza), then);
}

bool ClientSession::too_much_is_unacknowledged() const {
  const Shard& shard = home_.shard;
  if (static_cast<std::int64_t>(unacknowledged_.size()) > shard.value(c2s_resume_queue)) return true;
  const auto bytes = static_cast<std::int64_t>(unacknowledged_.bytes());
  if (bytes <= c2s_resume_bytes.min) return false;
  const auto largest =
      std::max({shard.value(c2s_max_stanza), shard.value(s2s_max_stanza), shard.value(component_max_stanza)});
  return bytes > std::max(shard.value(c2s_resume_bytes), 2 * largest);
}

bool ClientSession::is_servers_reply(const Stanza& stanza) const {
  if (stanza.type() != Type::result && stanza.type() != Type::error) return false;
  return stanza.from().empty() || stanza.from().text() == JidView(jid_).bare() ||
         stanza.from().text() == jid_.domainpart();
}

void ClientSession::settled(std::uint32_t number) {
  if (fates_.settle(number)) release_held();
}

Task<void> ClientSession::caught_up(std::size_t open) {
  if (fates_.open() <= open) co_return;
  Later<bool> known;
  waiting_for_fates_.emplace_back(open, &known);
  co_await known;
}

void ClientSession::release_held() {
  std::erase_if(waiting_for_fates_, [&](auto& waiting) {
    if (fates_.open() > waiting.first) return false;
    waiting.second->set(true);
    return true;
  });
  std::size_t n = 0;
  while (n < held_.size() && static_cast<std::int32_t>(fates_.settled() - held_[n].after) >= 0) {
    HeldReply held = std::move(held_[n++]);
    if (held.stanza) {
      held_bytes_ -= held.stanza->wire_size();
      push(std::move(held.stanza), Undelivered::route, home_.shard.core().now());
    } else {
      answer_request();
    }
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(n));
}

std::optional<StreamError> ClientSession::take_stanza(const XmlReader& reader) {
  const Element element = reader.element();
  last_heard_ = home_.shard.core().now();
  const auto kind = kind_of(element.local());
  if (element.ns() != client_ns || !kind) {
    // RFC 6120 §4.9.3.10: a stanza of another kind of stream.
    if (kind && element.ns() == server_ns)
      return StreamError{StreamCondition::invalid_namespace, "Stanzas of a client are in the namespace jabber:client."};
    return take_nonza(element);
  }
  stanzas_received.add();
  const std::uint32_t number = fates_.begin();
  std::optional<StreamError> error;
  const auto stanza = read_stanza(reader, *kind, error);
  if (error) return error;
  MaybeFate fate = Fate::refused;
  if (stanza) {
    fate = *stanza ? route(*stanza, {static_cast<std::uint32_t>(home_.shard.core().number()), number, number_})
                   : MaybeFate{Fate::handed};
  }
  if (fate) settled(number);
  return std::nullopt;
}

// The stanza; null when it was for the server's own use; empty when it was refused.
std::optional<StanzaRef> ClientSession::read_stanza(const XmlReader& reader, Kind kind,
                                                    std::optional<StreamError>& error) {
  const Element element = reader.element();
  std::optional<Jid> from_own;
  const auto raw_from = element.raw_attribute("from");
  if (raw_from.data() && raw_from != jid_.text()) {
    // RFC 6120 §8.1.2.1: the server says who a stanza is from; a client may name itself, nobody else.
    const auto claimed = address_of(raw_from, from_own);
    if (!claimed || (claimed->text() != jid_.text() && claimed->text() != JidView(jid_).bare())) {
      error = StreamError{StreamCondition::invalid_from, "You may not send in the name of another."};
      return std::nullopt;
    }
  }
  StanzaTag tag;
  if (auto refused = read_tag(element, kind, tag)) {
    refuse_unread(element, kind, *refused);
    return std::nullopt;
  }
  if (kind == Kind::iq && answers_our_ping(element, tag.type)) return StanzaRef{};
  return Stanza::make(reader, {kind, tag.type, jid_, tag.to, lang_});
}

// What is refused before it is a Stanza is answered all the same, unless it is an answer itself.
void ClientSession::refuse_unread(const Element& element, Kind kind, const StanzaError& error) {
  const auto type = element.raw_attribute("type");
  if (type == "error" || (kind == Kind::iq && type == "result")) return;
  count_malformed_stanza();
  stream_->log().info("stanza refused", {{"condition", name_of(error.condition)}, {"kind", name_of(kind)}});
  const Jid domain{JidView::of_prepared(jid_.domainpart())};
  deliver(Stanza::make({kind, Type::error, domain, jid_}, element.attribute("id"), error.xml()));
}

MaybeFate ClientSession::route(const StanzaRef& stanza, FateTicket ticket) {
  Router& router = home_.shard.router();
  if (stays_here_ && stanza->has_to() && !home_.shard.domain(stanza->to().domainpart()))
    return router.refuse(*stanza,
                         StanzaError{Condition::not_allowed, "Without an account you reach this server alone."});
  if (stanza->kind() == Kind::presence) return router.broadcast(stanza, ticket);
  if (stanza->has_to()) return router.route(stanza, ticket);
  // RFC 6120 §10.3.1, §10.3.3: without `to` it is for the account itself.
  const BareJid own{JidView(jid_)};
  return router.route(stanza->with(stanza->from(), own), ticket);
}

// STYLE, invariant 7: only from whom was asked, with the id that was asked.
bool ClientSession::answers_our_ping(const Element& element, Type type) {
  if (ping_id_.empty() || (type != Type::result && type != Type::error)) return false;
  if (element.raw_attribute("id") != ping_id_) return false;
  const auto to = element.raw_attribute("to");
  if (!to.empty() && to != jid_.domainpart()) return false;
  ping_id_.clear();
  if (unmanaged_ == Unmanaged::ping_behind) unmanaged_ = Unmanaged::none;
  for (auto& c : confirmations_) c.needs_ping = false;
  tell_received();
  return true;
}

void ClientSession::send_ping(const std::string& id) {
  const Jid domain{JidView::of_prepared(jid_.domainpart())};
  push(Stanza::make({Kind::iq, Type::get, domain, jid_}, id, "<ping xmlns='urn:xmpp:ping'/>"), Undelivered::drop, {});
}

// RFC 6120 §4.6.1: silence alone closes nothing; XEP-0198 §4 or XEP-0199 §4.1 ask.
bool ClientSession::ask_for_life() {
  if (!outbox_) return true;
  if (managed_) {
    asked_for_ack_ = true;
    outbox_->push_raw("<r xmlns='urn:xmpp:sm:3'/>");
  } else {
    if (ping_id_.empty()) ping_id_ = random_token(8);
    send_ping(ping_id_);
  }
  return true;
}

Rate ClientSession::rate() const { return {home_.shard.value(c2s_rate), home_.shard.value(c2s_burst)}; }

std::size_t ClientSession::room() const {
  if (!managed_) return std::numeric_limits<std::size_t>::max();
  const auto most = static_cast<std::size_t>(home_.shard.value(c2s_resume_queue));
  return most - std::min(most, unacknowledged_.size());
}

// Where stream management did not count the messages a ping behind them shows that they have arrived.
void ClientSession::confirm(std::function<void(Receipt)> told) {
  if (finished_) return told(Receipt::lost);
  const bool needs_ping = !managed_ || unmanaged_ != Unmanaged::none;
  if (!needs_ping && unacknowledged_.empty()) return told(Receipt::received);
  const auto number = acknowledged_ + static_cast<std::uint32_t>(unacknowledged_.size());
  confirmations_.push_back({number, needs_ping, std::move(told)});
  if (!needs_ping) return;
  if (unmanaged_ == Unmanaged::sent) unmanaged_ = Unmanaged::ping_behind;
  ping_id_ = random_token(8);
  send_ping(ping_id_);
}

SessionDescription ClientSession::describe() const {
  SessionDescription d;
  d.jid = jid_.text();
  d.address = last_address_;
  d.number = static_cast<std::int64_t>(stream_ ? stream_->number : number_);
  d.transport = stream_ && stream_->transport->is_encrypted() ? "tls" : "tcp";
  d.connected_at = to_datetime(connected_at_);
  d.idle_seconds = std::chrono::duration_cast<Seconds>(home_.shard.core().now() - last_heard_).count();
  d.queued = static_cast<std::int64_t>(managed_ ? unacknowledged_.size() : outbox_ ? outbox_->size() : 0);
  d.resumable = is_resumable();
  d.disconnected = stream_ == nullptr;
  return d;
}

}  // namespace jackdaw
