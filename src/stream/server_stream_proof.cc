// What another server proves on its stream: by a certificate, or by dialback (XEP-0220), as the policy of TLS for its
// domain wants it. Start reading at ServerStream::take_dialback().
// SPDX-License-Identifier: Apache-2.0
#include <openssl/ssl.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/metrics.h"
#include "net/address.h"
#include "stream/certificates_last.h"
#include "stream/proven_by_dns.h"
#include "stream/s2s_policy.h"
#include "stream/server_certificate.h"
#include "stream/server_link.h"
#include "stream/server_stream.h"

namespace jackdaw {
namespace {

constexpr std::size_t most_questions = 8;  // dialback of one stream that is under way at once
constexpr std::size_t most_refused = 20;   // proofs of one stream; then it ends
constexpr std::size_t most_pairs = 1000;   // proven on one stream

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
void count_proven_streams(int more) { streams_open.add(more); }

bool certificate_proves(const Shard& shard, const XmlStream& stream, std::string_view domain) {
  const SSL* ssl = stream.transport->ssl();
  if (!ssl || domain.empty() || stream.refused_by_dns == domain) return false;
  if (stream.proven_by_dns == domain || stream.proven_by_posh == domain) return true;
  if (!why_untrusted(ssl).empty()) return false;
  const auto common_name = shard.value(s2s_accept_common_name) ? CommonName::accepted : CommonName::ignored;
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (proves_domain(certificate, domain, common_name)) return true;
  // The host that the administrator has named for the domain speaks for it both ways.
  const auto route = static_route(shard.settings(), domain);
  return route && proves_domain(certificate, route->host, common_name);
}

void ServerStream::prove(DomainPair from_to) {
  if (!stream_ || is_proven(from_to.source, from_to.target)) return;
  if (proven_.empty()) {
    if (!is_opened_by_us()) count_proven_streams(1);
    unproven_.cancel();
    stream_->reader.set_limits({.bytes = static_cast<std::uint32_t>(here_.shard.value(s2s_max_stanza))});
  }
  if (opened_ != Opened::by_peer && from_to.source == pair_.target && from_to.target == pair_.source)
    here_.both_ways[pair_] = weak_from_this();
  if (!is_opened_by_us())
    stream_->log().major("another server's domain is proven", {{"from", from_to.source}, {"to", from_to.target}});
  proven_.push_back(std::move(from_to));
  check_policy();  // it may have changed since the proof began
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
  if (asked->from == pair_.target && certificate_proves(here_.shard, *stream_, asked->from)) {
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
  if (stream_->refused_by_dns == domain)
    return StanzaError{Condition::not_authorized, "The proof of its TLSA records is wrong."};
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
  const Components& components = here_.shard.components();
  if (!here_.shard.domain(asked.to) && !components.has(asked.to) && !components.has_left(asked.to)) {
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

// A domain that the header has not named, whose DNS has not been asked yet. True: its certificate says enough, or the
// stream is gone.
Task<bool> ServerStream::settle_by_certificate(DialbackElement asked) {
  if (asked.from == pair_.target || !stream_->transport->is_encrypted()) co_return false;
  const DnsRecords records = co_await dns_records_of(here_, asked.from);
  if (!stream_) co_return true;
  const DnsProof proof = proof_by(records, stream_->transport->ssl(), asked.from);
  if (proof == DnsProof::refused) {
    refuse_proof(asked, {Condition::not_authorized, "The proof of its TLSA records is wrong."});
    co_return true;
  }
  if (proof != DnsProof::proven && !certificate_proves(here_.shard, *stream_, asked.from)) co_return false;
  prove_by_certificate({asked.from, asked.to});
  say(dialback_answer(asked, "valid"));
  co_return true;
}

// XEP-0220 §2.2.1: asks the server that the DNS names. "invalid" ends the stream.
Task<void> ServerStream::verify(std::shared_ptr<ServerStream> self, DialbackElement asked) {
  const std::string whose = address_group(self->stream_->transport->address());
  if (co_await self->settle_by_certificate(asked)) {
    --self->questions_;
    co_return;
  }
  const KeyVerdict verdict =
      co_await ask_authority(self->here_, {asked.to, asked.from}, self->stream_id_, asked.key, whose);
  --self->questions_;
  if (!self->stream_) co_return;
  if (auto error = self->why_not_secure(asked.from)) {
    self->refuse_proof(asked, *error);  // the settings have changed meanwhile
  } else if (verdict == KeyVerdict::valid) {
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

}  // namespace jackdaw
