// SPDX-License-Identifier: Apache-2.0
#include "stream/outbox.h"

#include "base/metrics.h"
#include "stream/shown_xml.h"

namespace jackdaw {
namespace {

const Metric outbox_overflows{"jackdaw_outbox_overflows", "Streams ended because their peer did not read."};
constexpr auto longest_stall = 60s;

std::size_t size_of(const Outbox::Entry& entry) { return entry.stanza ? entry.stanza->wire_size() : entry.raw.size(); }

}  // namespace

Outbox::Outbox(Transport& transport, std::size_t limit, OutboxOwner& owner)
    : transport_(transport), limit_(limit), owner_(owner) {}

Outbox::~Outbox() { transport_.tell_drained(nullptr); }

void Outbox::push(StanzaRef stanza, Undelivered then) {
  bytes_ += stanza->wire_size();
  ++stanzas_;
  queue_.push_back({std::move(stanza), {}, then});
  if (bytes_ > limit_) flush();  // what the socket takes now does not wait
  if (bytes_ > limit_) give_up();
  at_turn_end(transport_.core());
}

void Outbox::push_raw(std::string bytes) {
  bytes_ += bytes.size();
  queue_.push_back({{}, std::move(bytes)});
  at_turn_end(transport_.core());
}

void Outbox::give_up() {
  if (std::exchange(told_stuck_, true)) return;
  outbox_overflows.add();
  owner_.stuck();
}

// Returns how many entries the batch holds; they are written into the core's buffer and handed to the transport.
std::size_t Outbox::write_batch() {
  std::string& out = transport_.core().write_buffer();
  out.clear();
  const Log* log = owner_.stream_log();
  if (log && log->wants(LogLevel::all)) log_batch(*log);
  std::size_t at = in_flight_;
  for (; at < queue_.size() && out.size() < batch_bytes; ++at) {
    if (queue_[at].stanza)
      queue_[at].stanza->write(out);
    else
      out += queue_[at].raw;
  }
  if (at == queue_.size()) out += owner_.trailer();
  transport_.write(out);
  return at - in_flight_;
}

// What the next batch is going to hold.
void Outbox::log_batch(const Log& log) const {
  std::size_t size = 0;
  for (std::size_t at = in_flight_; at < queue_.size() && size < batch_bytes; ++at) {
    const auto& stanza = queue_[at].stanza;
    log.all("said", {{"xml", stanza ? shown_xml(stanza->element()) : shown_raw(queue_[at].raw)}});
    size += size_of(queue_[at]);
  }
}

void Outbox::flush() {
  std::size_t written = 0;
  while (transport_.unsent() == 0 && in_flight_ < queue_.size()) {
    in_flight_ += write_batch();
    if (transport_.has_failed()) return;
    if (transport_.unsent() == 0) written = in_flight_;
  }
  if (transport_.unsent() > 0 && !is_set()) {
    set(transport_.core().timers(), longest_stall);
    transport_.tell_drained(this);
  }
  if (written == 0) return;
  in_flight_ -= written;
  forget_first(written);
}

void Outbox::forget_first(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    bytes_ -= size_of(queue_[i]);
    stanzas_ -= queue_[i].stanza ? 1 : 0;
  }
  if (count == queue_.size())
    queue_ = {};
  else
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
}

void Outbox::drained() {
  cancel();
  if (transport_.has_failed()) return;
  forget_first(std::exchange(in_flight_, 0));
  flush();
}

std::vector<Outbox::Entry> Outbox::take_unwritten() {
  in_flight_ = 0;
  bytes_ = 0;
  stanzas_ = 0;
  return std::exchange(queue_, {});
}

}  // namespace jackdaw
