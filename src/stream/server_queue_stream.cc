// A queue's stream: opened, served, closed, and what waits for the next one. Start reading at ServerQueue::run().
// SPDX-License-Identifier: Apache-2.0
#include <openssl/ssl.h>

#include "base/metrics.h"
#include "stream/fates.h"
#include "stream/read_loop.h"
#include "stream/s2s_policy.h"
#include "stream/s2s_settings.h"
#include "stream/server_queue.h"

namespace jackdaw {
namespace {

const Metric streams_open{"jackdaw_s2s_streams_out", "Streams to other servers that are open.", MetricKind::gauge};
const Metric streams_failed{"jackdaw_s2s_streams_failed",
                            "Tries to open a stream to another server that came to nothing."};

constexpr auto drain_time = 5s;
constexpr auto longest_pause = 10s;  // between two tries: a network that is back is soon found

}  // namespace

void ServerQueue::stop() {
  stopped_ = true;
  keep_what_waits(0s);
  end({});
}

void ServerQueue::retire() {
  if (entries_.empty()) end({});
}

void ServerQueue::check_policy() {
  const TlsPolicy policy = tls_policy(home_.shard.settings(), pair_.target);
  const bool too_little =
      (policy >= TlsPolicy::encrypted && !encrypted_) || (policy == TlsPolicy::verified && !verified_);
  if (stream_ && too_little) end("the settings want more of its TLS now");
}

// Soon, on this core.
void ServerQueue::end(std::string why) {
  if (!stream_ || std::exchange(ending_, true)) return;
  end_reason_ = std::move(why);
  stream_->transport->interrupt();
}

void ServerQueue::stuck() { end("it does not read what is sent to it"); }

// From finding the server to the end of the stream.
Task<void> ServerQueue::run(std::shared_ptr<ServerQueue> self) {
  LinkOutcome outcome = co_await open_link(self->home_, self->pair_, to_send);
  if (outcome.link) {
    if (auto refused = co_await prove_ourselves(self->home_, *outcome.link)) {
      auto stream = std::move(outcome.link->stream);
      outcome = std::move(*refused);
      self->not_opened(outcome);
      co_await close_link(std::move(stream), "</stream:stream>");
      co_return;
    }
  }
  if (!outcome.link) {
    self->not_opened(outcome);
    co_return;
  }
  self->opened(*outcome.link);
  auto stream = std::move(outcome.link->stream);
  const End end = co_await self->serve(*stream);
  // What a peer that has gone would not read is not written: it waits for the next stream.
  if (end.by_us && end.why.empty()) {
    self->outbox_->flush();
    co_await stream->transport->drained(drain_time);
    self->outbox_->flush();
    self->settle_written();
  }
  const bool has_said_all = stream->transport->unsent() == 0;
  self->closed(end.why);
  if (has_said_all)
    co_await close_link(std::move(stream), "</stream:stream>");
  else
    stream->transport->abandon();
}

void ServerQueue::opened(ServerLink& link) {
  streams_open.add();
  state_ = State::open;
  ending_ = false;
  end_reason_.clear();
  encrypted_ = link.encrypted;
  verified_ = link.encrypted && link.why_unverified.empty();
  managed_ = link.managed;
  asked_ = false;
  acknowledged_ = 0;
  stream_ = link.stream.get();
  const SSL* ssl = stream_->transport->ssl();
  security_ = !ssl ? "none" : std::string(SSL_get_version(ssl)) + (verified_ ? ", verified" : "");
  stream_->log().major("stream to another server", {{"from", pair_.source},
                                                    {"to", pair_.target},
                                                    {"security", security_},
                                                    {"acknowledges", managed_ ? "yes" : "no"}});
  stream_->transport->find_silent_death();
  stream_->set_budget(static_cast<std::size_t>(-1));
  stream_->reader.forget_header();
  last_used_ = home_.shard.core().now();
  outbox_ =
      std::make_unique<Outbox>(*stream_->transport, 2 * static_cast<std::size_t>(home_.shard.value(s2s_queue_bytes)),
                               static_cast<OutboxOwner&>(*this));
  for (const auto& entry : entries_) outbox_->push(entry.stanza);
  handed_ = entries_.size();
  at_turn_end(home_.shard.core());
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
        if (managed_ && asked_ && core.now() >= acknowledged_by_) co_return End{true, "it acknowledges nothing"};
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
  if (managed_ && element.is({sm_ns, "a"}))
    if (auto why = take_acknowledgement(element); !why.empty()) return End{true, std::move(why)};
  if (!element.is({streams_ns, "error"})) return std::nullopt;
  const Element condition = element.first_child();
  return End{false, "it ended the stream: " + (condition ? std::string(condition.local()) : std::string("no reason"))};
}

// What was not written, or not acknowledged, waits for the next stream.
void ServerQueue::closed(const std::string& why) {
  streams_open.add(-1);
  if (why.empty())
    stream_->log().major("stream to another server closed", {{"to", pair_.target}});
  else
    stream_->log().problem("stream to another server lost", {{"to", pair_.target}, {"why", why}});
  outbox_.reset();
  handed_ = 0;
  stream_ = nullptr;
  state_ = State::closed;
  if (!why.empty()) {
    last_error_ = {Condition::remote_server_timeout, pair_.target + ": " + why};
    ++failures_;
  }
  refuse_what_is_old();
  if (entries_.empty()) return;
  if (failures_ == 0)
    open();
  else
    wait_and_retry();
}

void ServerQueue::wait_and_retry() {
  state_ = State::waiting;
  failures_ = std::min(failures_ + 1, 5);
  retry_at_ = home_.shard.core().now() + std::min<Seconds>(longest_pause, Seconds(1 << failures_));
  if (!is_set()) set(home_.shard.core().timers(), 1s);
}

void ServerQueue::not_opened(const LinkOutcome& outcome) {
  streams_failed.add();
  last_error_ = outcome.error;
  static const Log log{"XMPPO"};
  log.problem("no stream to another server", {{"from", pair_.source}, {"to", pair_.target}, {"why", last_error_.text}});
  state_ = State::closed;
  if (!outcome.may_come_back) {
    reject(last_error_);
    return;
  }
  wait_and_retry();
}

}  // namespace jackdaw
