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

constexpr std::size_t most_questions = 8;          // dialback of one stream that is under way at once
constexpr std::size_t most_refused = 20;           // proofs of one stream; then it ends
constexpr std::size_t unproven_bytes = 64 * 1024;  // that are read before anything is proven
constexpr std::size_t most_pairs = 1000;           // proven on one stream
constexpr std::size_t outbox_bytes = 64 * 1024;    // answers that the peer does not read

const Metric stanzas_received{"jackdaw_s2s_stanzas_received", "Stanzas read from other servers."};
const Metric streams_open{"jackdaw_s2s_streams_in", "Streams of other servers that have proven a domain.",
                          MetricKind::gauge};
const Metric proofs_refused{"jackdaw_s2s_proofs_refused", "Domains that other servers could not prove."};

// XEP-0220 §2.4.2.
StanzaError error_of(KeyVerdict verdict) {
  switch (verdict) {
    case KeyVerdict::invalid:
      return {Condition::forbidden, "Your own server does not know you."};
    case KeyVerdict::no_server:
      return {Condition::remote_server_not_found, "Your own server is not found."};
    case KeyVerdict::too_busy:
      return {Condition::resource_constraint, "Too many domains are being proven; try again later."};
    default:
      return {Condition::remote_server_timeout, "Your own server could not be asked."};
  }
}

}  // namespace

void count_refused_proof() { proofs_refused.add(); }

bool certificate_proves(const Shard& shard, const XmlStream& stream, std::string_view domain) {
  const SSL* ssl = stream.transport->ssl();
  if (!ssl || domain.empty()) return false;
  if (stream.proven_by_dns == domain || stream.proven_by_posh == domain) return true;
  if (!why_untrusted(ssl).empty()) return false;
  const auto common_name = shard.value(s2s_accept_common_name) ? CommonName::accepted : CommonName::ignored;
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (proves_domain(certificate, domain, common_name)) return true;
  // The host that the administrator has named for the domain speaks for it both ways.
  const auto route = static_route(shard.settings(), domain);
  return route && proves_domain(certificate, route->host, common_name);
}

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

void ServerStream::leave(const std::string& why) {
  if (!stream_) return;
  if (const auto lent = here_.both_ways.find(pair_); lent != here_.both_ways.end() && lent->second.lock().get() == this)
    here_.both_ways.erase(lent);
  if (borrower_) std::exchange(borrower_, nullptr)->stream_left(why);
  stream_ = nullptr;
  if (!proven_.empty() && !is_opened_by_us()) streams_open.add(-1);
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
  if (closing_) return &nothing;
  return here_.shard.server().stopping && !borrower_ ? &going_down : nullptr;
}

void ServerStream::prove(DomainPair from_to) {
  if (!stream_ || is_proven(from_to.source, from_to.target)) return;
  if (proven_.empty()) {
    if (!is_opened_by_us()) streams_open.add();
    unproven_.cancel();
    stream_->reader.set_limits({.bytes = static_cast<std::uint32_t>(here_.shard.value(s2s_max_stanza))});
  }
  if (opened_ != Opened::by_peer && from_to.source == pair_.target && from_to.target == pair_.source)
    here_.both_ways[pair_] = weak_from_this();
  if (!is_opened_by_us())
    stream_->log().major("another server's domain is proven", {{"from", from_to.source}, {"to", from_to.target}});
  proven_.push_back(std::move(from_to));
}

// What the DNS or a web server says of a certificate holds for as long as they say it.
void ServerStream::prove_by_certificate(DomainPair from_to) {
  if (!stream_) return;
  const bool by_chain = stream_->proven_by_dns != from_to.source && stream_->proven_by_posh != from_to.source;
  prove(std::move(from_to));
  Core& core = here_.shard.core();
  const auto left = certificates_last(stream_->transport->ssl(), core.wall());
  if (by_chain && left) expiry_.call(core.timers(), *left, [this] { end(certificates_expired()); });
}

bool ServerStream::is_proven(std::string_view from, std::string_view to) const {
  return std::ranges::any_of(proven_, [&](const auto& pair) { return pair.source == from && pair.target == to; });
}

std::optional<StreamError> ServerStream::take_dialback(const Element& element) {
  auto asked = read_dialback(element);
  if (!asked) return StreamError{StreamCondition::improper_addressing, "That is no question of dialback."};
  // XEP-0220 §2.2: answers do not come on this stream; we have asked nothing on it.
  if (!asked->type.empty()) return std::nullopt;
  if (asked->what == DialbackElement::What::verify) {
    answer_question(*asked);
    return std::nullopt;
  }
  if (const auto error = why_not_asked(*asked)) {
    refuse_proof(*asked, *error);
    return std::nullopt;
  }
  // XEP-0220 §2.2.1: a certificate is as good as a key.
  if (certificate_proves(here_.shard, *stream_, asked->from)) {
    prove_by_certificate({asked->from, asked->to});
    say(dialback_answer(*asked, "valid"));
    return std::nullopt;
  }
  ++questions_;
  spawn(verify(shared_from_this(), std::move(*asked)));
  return std::nullopt;
}

// What the policy of TLS for that domain wants of this stream.
std::optional<StanzaError> ServerStream::why_not_secure(std::string_view domain) const {
  const TlsPolicy policy = tls_policy(here_.shard.settings(), domain);
  if (policy >= TlsPolicy::encrypted && !stream_->transport->is_encrypted())
    return StanzaError{Condition::policy_violation, "TLS is wanted first."};
  if (policy == TlsPolicy::verified && !certificate_proves(here_.shard, *stream_, domain))
    return StanzaError{Condition::not_authorized, "A valid certificate is wanted."};
  return std::nullopt;
}

void ServerStream::check_policy() {
  if (!stream_ || closing_) return;
  for (const auto& pair : proven_) {
    if (!why_not_secure(pair.source)) continue;
    end({StreamCondition::policy_violation, "The settings want more of its TLS now."});
    return;
  }
}

// XEP-0220 §2.4.2.
std::optional<StanzaError> ServerStream::why_not_asked(const DialbackElement& asked) const {
  Shard& shard = here_.shard;
  if (!shard.domain(asked.to) && !shard.components().has(asked.to)) return StanzaError{Condition::item_not_found};
  if (shard.domain(asked.from) || shard.components().has(asked.from))
    return StanzaError{Condition::not_acceptable, "That domain is one of ours."};
  if (auto error = why_not_secure(asked.from)) return error;
  if (questions_ >= most_questions || proven_.size() >= most_pairs)
    return StanzaError{Condition::resource_constraint, "Too many domains at once."};
  return std::nullopt;
}

// XEP-0220 §2.2.2, as the authoritative server: whether that key is one of ours.
void ServerStream::answer_question(const DialbackElement& asked) {
  if (!here_.shard.domain(asked.to) && !here_.shard.components().has(asked.to)) {
    say(dialback_error(asked, {Condition::item_not_found}));
    return;
  }
  const std::string key = dialback_key(here_.shard.server().secret, asked.from, asked.to, asked.id);
  say(dialback_answer(asked, equal_in_constant_time(key, asked.key) ? "valid" : "invalid"));
}

void ServerStream::refuse_proof(const DialbackElement& asked, const StanzaError& error) {
  proofs_refused.add();
  stream_->log().problem("a domain is not proven",
                         {{"from", asked.from}, {"to", asked.to}, {"condition", name_of(error.condition)}});
  say(dialback_error(asked, error));
  if (++refused_ >= most_refused) end({StreamCondition::policy_violation, "Too many domains were not proven."});
}

// XEP-0220 §2.2.1: asks the server that the DNS names. "invalid" ends the stream.
Task<void> ServerStream::verify(std::shared_ptr<ServerStream> self, DialbackElement asked) {
  const KeyVerdict verdict = co_await ask_authority(self->here_, {asked.to, asked.from}, self->stream_id_, asked.key);
  --self->questions_;
  if (!self->stream_) co_return;
  if (verdict == KeyVerdict::valid) {
    self->prove({asked.from, asked.to});
    self->say(dialback_answer(asked, "valid"));
  } else if (verdict == KeyVerdict::invalid && self->proven_.empty()) {
    proofs_refused.add();
    self->say(dialback_answer(asked, "invalid"));
    self->end({StreamCondition::not_authorized, "Your own server does not know you."});
  } else {
    self->refuse_proof(asked, error_of(verdict));
  }
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
  if (why_ended_ || closing_ || fates_.open() <= open) co_return;
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
