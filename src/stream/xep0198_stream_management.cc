// XEP-0198: Stream Management. Acknowledgements both ways, and resumption. Start reading at take_nonza().
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "base/metrics.h"
#include "stream/client_session.h"
#include "stream/resume_timer.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

const Metric sessions_resumed{"jackdaw_sessions_resumed", "Sessions resumed (XEP-0198)."};

}  // namespace

std::optional<StreamError> ClientSession::take_nonza(const Element& element) {
  if (element.ns() == sm_ns) {
    if (element.local() == "a") return take_acknowledgement(element);
    if (element.local() == "r") {
      // XEP-0198 §4: what is not enabled is not answered.
      if (!managed_) return std::nullopt;
      if (fates_.all_known())
        answer_request();
      else if (held_.empty() || held_.back().stanza || held_.back().after != fates_.received())
        held_.push_back({fates_.received(), {}});
      return std::nullopt;
    }
    if (element.local() == "enable") return enable(element), std::nullopt;
    if (element.local() == "resume") {
      // XEP-0198 §5: only before a resource is bound.
      outbox_->push_raw("<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='" + std::string(stanzas_ns) +
                        "'/></failed>");
      return std::nullopt;
    }
  }
  // RFC 6120 §4.9.3.24.
  return StreamError{StreamCondition::unsupported_stanza_type, "This first-level element is not known here."};
}

// XEP-0198 §3.
void ClientSession::enable(const Element& element) {
  if (managed_) {
    outbox_->push_raw("<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='" + std::string(stanzas_ns) +
                      "'/></failed>");
    return;
  }
  managed_ = true;
  counting_from_ = fates_.received();
  const auto wish = element.raw_attribute("resume");
  const auto patience = home_.shard.value(c2s_resume_time);
  std::string answer = "<enabled xmlns='urn:xmpp:sm:3'";
  if ((wish == "true" || wish == "1") && patience > 0s) {
    resume_id_ = ResumeId::make();
    home_.resumable.emplace(*resume_id_, weak_from_this());
    answer += " id='" + resume_id_->text() + "' resume='true' max='" + std::to_string(patience.count()) + "'";
  }
  outbox_->push_raw(answer + "/>");
}

// Behind a batch of stanzas, one question at a time.
std::string ClientSession::request_acknowledgement() {
  if (asked_for_ack_ || unacknowledged_.empty()) return {};
  asked_for_ack_ = true;
  return "<r xmlns='urn:xmpp:sm:3'/>";
}

void ClientSession::answer_request() {
  if (outbox_) outbox_->push_raw("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(handled()) + "'/>");
}

std::optional<StreamError> ClientSession::take_acknowledgement(const Element& element) {
  if (!managed_) return std::nullopt;
  const auto h = sm_count(element.raw_attribute("h"));
  if (!h) return StreamError{StreamCondition::bad_format, "An <a/> needs a number h."};
  if (acknowledge(*h)) return std::nullopt;
  if (static_cast<std::int32_t>(*h - acknowledged_) < 0)
    return StreamError{StreamCondition::undefined_condition,
                       "You acknowledged " + std::to_string(*h) + " stanzas, and more of them before."};
  // XEP-0198 §4.
  const std::string sent = std::to_string(acknowledged_ + unacknowledged_.size());
  return StreamError{.condition = StreamCondition::undefined_condition,
                     .text = "You acknowledged " + std::to_string(*h) + " stanzas, but only " + sent + " were sent.",
                     .extra = "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='" + std::to_string(*h) +
                              "' send-count='" + sent + "'/>"};
}

// Who waits for nothing more.
void ClientSession::tell_received() {
  std::vector<Confirmation> told;
  std::erase_if(confirmations_, [&](Confirmation& c) {
    if (c.needs_ping || static_cast<std::int32_t>(acknowledged_ - c.number) < 0) return false;
    told.push_back(std::move(c));
    return true;
  });
  for (auto& c : told) c.told(Receipt::received);
}

// Counts modulo 2^32 (XEP-0198 §4). False: more than was sent.
bool ClientSession::acknowledge(std::uint32_t h) {
  const std::uint32_t fresh = h - acknowledged_;
  if (fresh > unacknowledged_.size()) return false;
  asked_for_ack_ = false;
  unacknowledged_.drop(fresh);
  acknowledged_ = h;
  tell_received();
  return true;
}

bool ClientSession::resume(XmlStream& stream, std::uint32_t h) {
  if (finished_ || why_ended_ || !acknowledge(h)) return false;
  // Its old connection may not know yet that it is dead: it wakes, finds itself replaced and closes.
  if (stream_) stream_->transport->interrupt();
  outbox_.reset();
  resume_timer_.reset();
  uncounted_.reset();
  connect(stream);
  sessions_resumed.add();
  asked_for_ack_ = false;
  // Everything that fates are still open for is answered later; what is settled is told now.
  outbox_->push_raw("<resumed xmlns='urn:xmpp:sm:3' previd='" + resume_id_->text() + "' h='" +
                    std::to_string(handled()) + "'/>");
  for (const auto& sent : unacknowledged_) outbox_->push(sent.stanza, sent.then);
  return true;
}

}  // namespace jackdaw
