// A queue's stream: opened, served, closed, and what waits for the next one. Start reading at ServerQueue::run().
// SPDX-License-Identifier: Apache-2.0
#include <openssl/ssl.h>

#include "base/metrics.h"
#include "stream/certificates_last.h"
#include "stream/fates.h"
#include "stream/read_loop.h"
#include "stream/s2s_policy.h"
#include "stream/s2s_settings.h"
#include "stream/server_queue.h"
#include "stream/stream_counters.h"

namespace jackdaw {
namespace {

const Metric streams_open{"jackdaw_s2s_streams_out", "Streams to other servers that are open.", MetricKind::gauge};
const Metric streams_failed{"jackdaw_s2s_streams_failed",
                            "Tries to open a stream to another server that came to nothing."};

constexpr auto drain_time = 5s;
constexpr std::string_view too_little = "the settings want more of its TLS now";

}  // namespace

void ServerQueue::stop() {
  stopped_ = true;
  keep_what_waits(0s);
  end({});
}

void ServerQueue::retire() {
  if (!entries_.empty()) return;
  if (lender_)
    detach();
  else
    end({});
}

void ServerQueue::check_policy() {
  if (!stream_) return;
  if (is_too_little(encrypted_, verified_)) {
    // One that goes both ways ends by itself, with an error: what is closed in order would still be heard.
    if (!lender_) end(std::string{too_little});
  } else if (encrypted_ && tls_policy(home_.shard.settings(), pair_.target) == TlsPolicy::never)
    end("the settings want no TLS now");
  else if (!ending_)
    stream_->transport->interrupt();  // the time of its idleness may be another one
}

// Whether the settings want more of a stream's TLS.
bool ServerQueue::is_too_little(bool encrypted, bool verified) const {
  const TlsPolicy policy = tls_policy(home_.shard.settings(), pair_.target);
  return (policy >= TlsPolicy::encrypted && !encrypted) || (policy == TlsPolicy::verified && !verified);
}

// Soon, on this core.
void ServerQueue::end(std::string why) {
  if (!stream_ || std::exchange(ending_, true)) return;
  end_reason_ = std::move(why);
  if (lender_)
    lender_->close();
  else
    stream_->transport->interrupt();
}

void ServerQueue::stuck() { end("it does not read what is sent to it"); }

// A link to the target, when it is this queue's turn to try. Null, when it waits now, or all was returned.
Task<LinkOutcome> ServerQueue::reach() {
  StreamShard& table = home_.home_of(pair_.target);
  Core& there = table.shard.core();
  const auto turn = co_await offload(
      there, [&table, &there, target = pair_.target] { return table.targets.ask(target, there.now()); });
  if (!turn.may_try) {
    last_error_ = turn.error;
    wait_until(turn.again);
    co_return LinkOutcome{};
  }
  LinkOutcome outcome = co_await open_link(home_, pair_, to_send);
  if (outcome.link || outcome.was_there || !outcome.may_come_back) {
    there.post([&table, target = pair_.target] { table.targets.forget(target); });
    if (outcome.link) co_return outcome;
    not_opened(outcome);
    if (outcome.may_come_back) wait_and_retry();  // another domain of ours may be welcome
    co_return outcome;
  }
  const auto failed = [&table, &there, target = pair_.target, error = outcome.error] {
    return table.targets.failed(target, error, there.now());
  };
  const Steady again = co_await offload(there, failed);
  not_opened(outcome);
  wait_until(again);
  co_return outcome;
}

// From finding the server to the end of the stream.
Task<void> ServerQueue::run(std::shared_ptr<ServerQueue> self) {
  LinkOutcome outcome = co_await self->reach();
  if (!outcome.link) co_return;
  auto refused = co_await prove_ourselves(self->home_, *outcome.link);
  // They may have changed while that was under way.
  if (!refused && self->is_too_little(outcome.link->encrypted, outcome.link->is_verified()))
    refused =
        LinkOutcome{nullptr, {Condition::remote_server_timeout, self->pair_.target + ": " + std::string{too_little}}};
  if (refused) {
    self->not_opened(*refused);
    if (refused->may_come_back) self->wait_and_retry();
    co_await close_link(std::move(outcome.link->stream), "</stream:stream>");
    co_return;
  }
  ServerLink& link = *outcome.link;
  if (link.both_ways) {
    self->run_both_ways(link);
    co_return;
  }
  auto stream = std::move(link.stream);
  self->own_outbox_ = std::make_unique<Outbox>(*stream->transport,
                                               2 * static_cast<std::size_t>(self->home_.shard.value(s2s_queue_bytes)),
                                               static_cast<OutboxOwner&>(*self));
  self->outbox_ = self->own_outbox_.get();
  stream->transport->find_silent_death(server_unanswered);
  stream->set_budget(static_cast<std::size_t>(-1));
  stream->reader.forget_header();
  self->opened(*stream, link.is_verified(), link.managed);
  if (link.by_chain) self->end_with_certificates();
  co_await run_alone(self, std::move(stream));
}

Task<void> ServerQueue::run_alone(std::shared_ptr<ServerQueue> self, std::unique_ptr<XmlStream> stream) {
  const End end = co_await self->serve(*stream);
  // What a peer that has gone would not read is not written: it waits for the next stream.
  if (end.by_us && end.why.empty()) {
    self->outbox_->flush();
    co_await stream->transport->drained(drain_time);
    self->outbox_->flush();
    self->settle_written();
  }
  const bool has_said_all = stream->transport->unsent() == 0;
  std::string error;
  if (std::exchange(self->expired_, false)) {
    error = certificates_expired().xml();
    count_stream_error(StreamCondition::reset);
  }
  self->closed(end.why);
  if (has_said_all)
    co_await close_link(std::move(stream), error + "</stream:stream>");
  else
    stream->transport->abandon();
}

// XEP-0288: on the stream that we have opened the peer is heard as on one of its own.
void ServerQueue::run_both_ways(ServerLink& link) {
  auto stream = std::move(link.stream);
  stream->transport->find_silent_death(server_unanswered);
  stream->set_budget(static_cast<std::size_t>(-1));
  auto session =
      std::make_shared<ServerStream>(home_, *stream, link.stream_id, ServerStream::Opened::by_us_both_ways, pair_);
  if (link.by_chain)
    session->prove_by_certificate({pair_.target, pair_.source});
  else
    session->prove({pair_.target, pair_.source});
  stream->reader.forget_header();
  if (link.offers_management) session->ask_for_management();
  attach(session);
  opened(session->stream(), link.is_verified(), false);
  if (link.offers_management) {
    managed_ = Managed::asked_for;
    asked_ = true;
    acknowledged_by_ = home_.shard.core().now() + answer_time;
  }
  if (stopped_) end({});
  // It may be over before this returns: what the peer has said meanwhile is there already.
  spawn(run_server_stream(std::move(stream), &home_.shard, std::move(session)));
}

// A stream that the peer has opened and that takes our stanzas too; nothing is under way on another one. False: there
// is none.
bool ServerQueue::borrow() {
  const auto found = home_.both_ways.find(pair_);
  auto lender = found == home_.both_ways.end() ? nullptr : found->second.lock();
  if (stopped_ || !lender || !lender->may_be_lent()) return false;
  attach(lender);
  opened(lender->stream(), certificate_proves(home_.shard, lender->stream(), pair_.target), lender->is_managed());
  return true;
}

void ServerQueue::attach(std::shared_ptr<ServerStream> lender) {
  lender_ = std::move(lender);
  lender_->lend(this);
  outbox_ = &lender_->outbox();
}

// Nothing of ours is under way on it.
void ServerQueue::detach() {
  if (const auto lender = std::exchange(lender_, nullptr)) lender->lend(nullptr);
  outbox_ = nullptr;
  stream_ = nullptr;
  state_ = State::closed;
  streams_open.add(-1);
}

void ServerQueue::stream_left(const std::string& why) {
  settle_written();
  closed(!end_reason_.empty() ? end_reason_ : stopped_ || ending_ ? std::string{} : why);
}

// What was written before the peer counts is not acknowledged: then nothing is.
void ServerQueue::acknowledges(bool it_does) {
  const bool from_the_start = managed_ == Managed::asked_for || handed_ == 0;
  managed_ = it_does && from_the_start ? Managed::yes : Managed::no;
  asked_ = false;
  acknowledged_ = 0;
  if (managed_ == Managed::yes && handed_ > 0 && outbox_->size() == 0) outbox_->push_raw(trailer());
  settle_written();
}

// `verified`: the peer's certificate proves the target.
void ServerQueue::opened(XmlStream& stream, bool verified, bool managed) {
  streams_open.add();
  state_ = State::open;
  last_error_ = not_reached;
  ending_ = false;
  end_reason_.clear();
  const SSL* ssl = stream.transport->ssl();
  encrypted_ = ssl != nullptr;
  verified_ = verified;
  managed_ = managed ? Managed::yes : Managed::no;
  asked_ = false;
  acknowledged_ = 0;
  stream_ = &stream;
  security_ = !ssl ? "none" : std::string(SSL_get_version(ssl)) + (verified_ ? ", verified" : "");
  stream.log().major("stream to another server", {{"from", pair_.source},
                                                  {"to", pair_.target},
                                                  {"security", security_},
                                                  {"acknowledges", managed ? "yes" : "no"},
                                                  {"both_ways", lender_ ? "yes" : "no"}});
  last_used_ = home_.shard.core().now();
  outbox_->raise_limit(2 * bytes_);  // what was stored may be more than the settings allow now
  handed_ = entries_.size();         // first, as what is pushed may be written at once
  for (const auto& entry : entries_) outbox_->push(entry.stanza);
  at_turn_end(home_.shard.core());
}

// Of a stream of our own.
void ServerQueue::end_with_certificates() {
  Core& core = home_.shard.core();
  const auto left = certificates_last(stream_->transport->ssl(), core.wall());
  if (!left) return;
  expiry_.call(core.timers(), *left, [this] {
    expired_ = true;
    end("its certificate has expired");
  });
}

// The peer has nothing to say here but acknowledgements and the end.
Task<ServerQueue::End> ServerQueue::serve(XmlStream& stream) {
  using What = Heard::What;
  Core& core = home_.shard.core();
  if (stopped_) co_return End{.by_us = true};
  for (;;) {
    const Steady idle = last_used_ + home_.shard.value(s2s_idle_timeout);
    const Heard heard = co_await stream.next(home_.shard, std::min(idle, core.now() + answer_time));
    switch (heard.what) {
      case What::silent:
        if (asked_ && core.now() >= acknowledged_by_) co_return End{true, "it acknowledges nothing"};
        if (core.now() >= last_used_ + home_.shard.value(s2s_idle_timeout)) {
          if (entries_.empty()) co_return End{.by_us = true};
          last_used_ = core.now();
        }
        break;
      case What::interrupted:
        if (ending_) co_return End{true, end_reason_};
        break;
      case What::element:
        if (auto end = take_element(heard.element.element())) co_return std::move(*end);
        break;
      case What::close:
        co_return End{.by_us = false};
      case What::closed:
        co_return End{false, "the connection was lost"};
      default:
        co_return End{true, "it sent what is no XML stream"};
    }
  }
}

std::optional<ServerQueue::End> ServerQueue::take_element(const Element& element) {
  if (managed_ == Managed::yes && element.is({sm_ns, "a"}))
    if (auto why = take_acknowledgement(element); !why.empty()) return End{true, std::move(why)};
  if (!element.is({streams_ns, "error"})) return std::nullopt;
  const Element condition = element.first_child();
  return End{false, "it ended the stream: " + (condition ? std::string(condition.local()) : std::string("no reason"))};
}

// What was not written, or not acknowledged, waits for the next stream.
void ServerQueue::closed(const std::string& why) {
  settle_written();
  streams_open.add(-1);
  expiry_.cancel();
  if (why.empty())
    stream_->log().major("stream to another server closed", {{"to", pair_.target}});
  else
    stream_->log().problem("stream to another server lost", {{"to", pair_.target}, {"why", why}});
  outbox_ = nullptr;
  own_outbox_.reset();
  lender_.reset();
  handed_ = 0;
  stream_ = nullptr;
  state_ = State::closed;
  if (!why.empty()) last_error_ = {Condition::remote_server_timeout, pair_.target + ": " + why};
  refuse_what_is_old();
  if (entries_.empty()) return;
  if (!why.empty() || failures_ > 0) return wait_and_retry();
  failures_ = 1;  // a peer that closes again before it has taken anything has to wait
  open();
}

void ServerQueue::wait_until(Steady again) {
  state_ = State::waiting;
  retry_at_ = again;
  if (!is_set()) set(home_.shard.core().timers(), next_tick);
}

// What is wrong has to do with this pair alone.
void ServerQueue::wait_and_retry() {
  failures_ = std::min(failures_ + 1, 5);
  wait_until(home_.shard.core().now() + pause_after(failures_));
}

void ServerQueue::not_opened(const LinkOutcome& outcome) {
  streams_failed.add();
  last_error_ = outcome.error;
  static const Log log{"XMPPO"};
  log.problem("no stream to another server", {{"from", pair_.source}, {"to", pair_.target}, {"why", last_error_.text}});
  state_ = State::closed;
  if (!outcome.may_come_back) reject(last_error_);
}

}  // namespace jackdaw
