// Start reading at ServerStream::take_stanza().
// SPDX-License-Identifier: Apache-2.0
#include "stream/server_stream.h"

#include <openssl/ssl.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/metrics.h"
#include "stream/certificates_last.h"
#include "stream/s2s_policy.h"
#include "stream/server_certificate.h"
#include "stream/server_link.h"
#include "stream/stanza_tag.h"
#include "stream/stream_counters.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

constexpr std::size_t unproven_bytes = 64 * 1024;  // that are read before anything is proven
constexpr std::size_t outbox_bytes = 64 * 1024;    // answers that the peer does not read

const Metric stanzas_received{"jackdaw_s2s_stanzas_received", "Stanzas read from other servers."};

}  // namespace

ServerStream::ServerStream(StreamShard& here, XmlStream& stream, std::string stream_id, Opened opened, DomainPair pair)
    : here_(here),
      stream_(&stream),
      number_(stream.number),
      stream_id_(std::move(stream_id)),
      opened_(opened),
      pair_(std::move(pair)),
      outbox_(std::make_unique<Outbox>(*stream.transport, outbox_limit(), static_cast<OutboxOwner&>(*this))) {
  here_.shard.router().enlist(number_, this);
  here_.server_streams.insert(this);
  unproven_.call(here_.shard.core().timers(), here_.shard.value(c2s_login_time),
                 [this] { end({StreamCondition::connection_timeout, "No domain was proven in time."}); });
}

ServerStream::~ServerStream() {
  here_.shard.router().strike_off(number_);
  here_.server_streams.erase(this);
}

std::size_t ServerStream::outbox_limit() const {
  return opened_ == Opened::by_peer ? outbox_bytes : 2 * static_cast<std::size_t>(here_.shard.value(s2s_queue_bytes));
}

void ServerStream::say(std::string answer) {
  if (said_all_) return;
  if (outbox_->size() == 0) answers_waiting_ = 0;
  answers_waiting_ += answer.size();
  outbox_->push_raw(std::move(answer));
}

bool ServerStream::is_crowded() {
  if (opened_ == Opened::by_peer) return outbox_->is_crowded();
  if (outbox_->size() == 0) answers_waiting_ = 0;
  return answers_waiting_ > outbox_bytes;
}

void ServerStream::hear_error(const Element& error) { peers_error_ = describe_stream_error(error); }

void ServerStream::end_loan(const std::string& why) {
  if (const auto lent = here_.both_ways.find(pair_); lent != here_.both_ways.end() && lent->second.lock().get() == this)
    here_.both_ways.erase(lent);
  if (borrower_) std::exchange(borrower_, nullptr)->stream_left(why);
}

void ServerStream::hear_on(Seconds at_most) {
  hears_on_ = said_all_ = true;
  stream_->transport->take_interrupt();  // it was the end, not that of hearing
  end_of_hearing_.call(here_.shard.core().timers(), at_most, [this] {
    hears_on_ = false;
    wake_reader();
    if (stream_) stream_->transport->interrupt();
  });
}

void ServerStream::leave(const std::string& why) {
  if (!stream_) return;
  end_loan(why);
  stream_ = nullptr;
  end_of_hearing_.cancel();
  if (!proven_.empty() && !is_opened_by_us()) count_proven_streams(-1);
  unproven_.cancel();
  expiry_.cancel();
  outbox_.reset();
}

void ServerStream::close() {
  if (std::exchange(closing_, true) || !stream_) return;
  wake_reader();
  stream_->transport->interrupt();
}

bool ServerStream::may_be_lent() const {
  if (!stream_ || borrower_ || closing_ || why_ended_ || here_.shard.server().stopping) return false;
  // What is acknowledged on it counts from the first borrower's stanzas on.
  if (was_lent_ && managed_) return false;
  if (is_opened_by_us()) return true;
  const Settings& settings = here_.shard.settings();
  if (!settings.value(s2s_bidi)) return false;
  // On a stream of ours the certificate would have to be one of its TLSA records, if it has any.
  if (!settings.value(dns_trust_anchor).empty() && stream_->proven_by_dns != pair_.target) return false;
  const TlsPolicy policy = tls_policy(settings, pair_.target);
  const bool encrypted = stream_->transport->is_encrypted();
  if (policy == TlsPolicy::never) return !encrypted;
  if (policy == TlsPolicy::verified) return certificate_proves(here_.shard, *stream_, pair_.target);
  return encrypted || policy == TlsPolicy::wherever_possible;
}

void ServerStream::lend(StreamBorrower* borrower) {
  borrower_ = borrower;
  was_lent_ = true;
  if (!borrower && is_opened_by_us()) close();
}

bool ServerStream::ask_for_life() {
  const Steady now = here_.shard.core().now();
  const bool is_used = borrower_ && (borrower_->has_something_to_send() ||
                                     now - borrower_->last_used() < here_.shard.value(s2s_idle_timeout));
  if (is_opened_by_us() && !is_used) close();
  return false;
}

void ServerStream::end(StreamError why) {
  if (why_ended_ || closing_ || !stream_) return;
  why_ended_ = std::move(why);
  wake_reader();
  stream_->transport->interrupt();
}

const StreamError* ServerStream::why_ended() const {
  static const StreamError going_down{StreamCondition::system_shutdown, "The server is going down."};
  static const StreamError nothing{StreamCondition::reset};
  if (why_ended_) return &*why_ended_;
  if (closing_ && !hears_on_) return &nothing;
  return here_.shard.server().stopping && !borrower_ ? &going_down : nullptr;
}

// RFC 6120 §8.1.1.2, §8.1.2.2: both addresses, and of a pair that was proven.
std::optional<StreamError> ServerStream::take_stanza(const XmlReader& reader) {
  const Element element = reader.element();
  if (proven_.empty()) unproven_bytes_ += reader.element_bytes().size();
  if (proven_.empty() && unproven_bytes_ > unproven_bytes)
    return StreamError{StreamCondition::policy_violation, "Too much before a domain is proven."};
  if (element.ns() == dialback_ns) return take_dialback(element);
  if (element.ns() == sm_ns && !proven_.empty()) return take_management(element);
  const auto kind = kind_of(element.local());
  if (element.ns() != server_ns || !kind)
    return StreamError{StreamCondition::unsupported_stanza_type, "This first-level element is not known here."};
  stanzas_received.add();
  std::optional<Jid> from_own;
  const auto raw_from = element.raw_attribute("from");
  if (!raw_from.data() || !element.has_attribute("to"))
    return StreamError{StreamCondition::improper_addressing, "A server's stanza needs `from` and `to`."};
  const auto from = address_of(raw_from, from_own);
  if (!from) return StreamError{StreamCondition::invalid_from, "The stanza's `from` is no address."};
  StanzaTag tag;
  if (const auto refused = read_tag(element, *kind, tag)) return refuse(element, *kind, *refused);
  if (!is_proven(from->domainpart(), tag.to.domainpart()))
    return proven_.empty()
               ? StreamError{StreamCondition::not_authorized, "Prove your domain first."}
               : StreamError{StreamCondition::invalid_from, "That domain was not proven for this recipient's."};
  Shard& shard = here_.shard;
  // It may have become ours since it was proven.
  if (shard.domain(from->domainpart()) || shard.components().has(from->domainpart()))
    return StreamError{StreamCondition::invalid_from, "That domain is served here now."};
  // RFC 6120 §4.9.3.5. Nothing can be returned in its name.
  const auto to = tag.to.domainpart();
  if (!shard.domain(to) && !shard.components().has(to) && !shard.components().has_left(to))
    return StreamError{StreamCondition::host_gone, "The domain is no longer served here."};
  const auto stanza = Stanza::make(reader, {*kind, tag.type, *from, tag.to, {}});
  const std::uint32_t number = fates_.begin();
  const FateTicket ticket{static_cast<std::uint32_t>(shard.core().number()), number, number_};
  // Who is acknowledged to wants to know that it is safe; others, that it is on its way.
  if (managed_ ? shard.router().route(stanza, ticket) : shard.router().hand_over(stanza, ticket)) settled(number);
  return std::nullopt;
}

void ServerStream::settled(std::uint32_t number) {
  if (!fates_.settle(number)) return;
  if (owed_ && static_cast<std::int32_t>(fates_.settled() - *owed_) >= 0) acknowledge();
  if (fates_.open() <= awaited_) wake_reader();
}

void ServerStream::wake_reader() {
  if (reader_) std::exchange(reader_, nullptr)->set(true);
}

Task<void> ServerStream::caught_up(std::size_t open) {
  if (why_ended() || fates_.open() <= open) co_return;
  Later<bool> known;
  awaited_ = open;
  reader_ = &known;
  co_await known;
}

// XEP-0198 §3, §4; a stream is not resumed: the peer sends again what was not acknowledged.
std::optional<StreamError> ServerStream::take_management(const Element& element) {
  const auto what = element.local();
  if (what == "enable" && !managed_ && !is_opened_by_us()) {
    manage();
    say("<enabled xmlns='urn:xmpp:sm:3'/>");
  } else if (what == "enabled" && !managed_ && is_opened_by_us()) {
    manage();
  } else if (what == "failed" && is_opened_by_us()) {
    if (borrower_) borrower_->acknowledges(false);
  } else if (what == "enable" || what == "resume") {
    say("<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='" + std::string(stanzas_ns) + "'/></failed>");
  } else if (what == "r" && managed_) {
    if (owed_)
      asked_again_ = true;
    else
      owed_ = fates_.received();
    if (fates_.all_known()) acknowledge();
  } else if (what == "a" && managed_ && borrower_) {
    if (std::string why = borrower_->take_acknowledgement(element); !why.empty())
      return StreamError{StreamCondition::undefined_condition, "Too much was acknowledged."};
  }
  return std::nullopt;
}

void ServerStream::manage() {
  managed_ = true;
  counting_from_ = fates_.received();
  if (borrower_) borrower_->acknowledges(true);
}

void ServerStream::acknowledge() {
  const std::string h = std::to_string(fates_.settled() - counting_from_);
  if (stream_) say("<a xmlns='urn:xmpp:sm:3' h='" + h + "'/>");
  owed_.reset();
  if (std::exchange(asked_again_, false) && !fates_.all_known()) owed_ = fates_.received();
}

// Over a stream of ours, unless it is an answer itself.
std::optional<StreamError> ServerStream::refuse(const Element& element, Kind kind, const StanzaError& error) {
  settled(fates_.begin());
  const auto type = element.raw_attribute("type");
  if (type == "error" || (kind == Kind::iq && type == "result")) return std::nullopt;
  count_malformed_stanza();
  stream_->log().info("stanza refused", {{"condition", name_of(error.condition)}, {"kind", name_of(kind)}});
  const auto from = Jid::parse(element.attribute("from"));
  if (!from || proven_.empty()) return StreamError{StreamCondition::not_authorized, "Prove your domain first."};
  const auto pair = std::ranges::find(proven_, from->domainpart(), &DomainPair::source);
  const auto ours = pair == proven_.end() ? std::nullopt : BareJid::parse(pair->target);
  if (!ours) return StreamError{StreamCondition::invalid_from, "That domain was not proven."};
  here_.shard.router().route(
      Stanza::make({kind, Type::error, JidView(*ours), *from}, element.attribute("id"), error.xml()));
  return std::nullopt;
}

}  // namespace jackdaw
