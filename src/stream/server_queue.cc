// SPDX-License-Identifier: Apache-2.0
#include "stream/server_queue.h"

#include "base/metrics.h"
#include "stream/fates.h"
#include "stream/read_loop.h"
#include "stream/s2s_settings.h"
#include "stream/stream_counters.h"

namespace jackdaw {
namespace {

const Metric stanzas_sent{"jackdaw_s2s_stanzas_sent", "Stanzas written to other servers."};
const Metric stanzas_kept{"jackdaw_s2s_stanzas_stored", "Messages stored because another server did not take them."};
const Metric stanzas_returned{"jackdaw_s2s_stanzas_returned",
                              "Stanzas that no other server took, back to their senders."};

constexpr auto stored_after = 1s;
const StanzaError going_down{Condition::remote_server_timeout, "The server is going down."};

const Log& queue_log() {
  static const Log made{"XMPPO"};
  return made;
}

}  // namespace

ServerQueue::ServerQueue(StreamShard& home, DomainPair pair)
    : home_(home), pair_(std::move(pair)), spool_(*home.shard.server().store, pair_) {}

ServerQueue::~ServerQueue() {
  if (lender_) lender_->lend(nullptr);
}

MaybeFate ServerQueue::take(const StanzaRef& stanza, FateTicket ticket) {
  const Shard& shard = home_.shard;
  Router& router = home_.shard.router();
  if (stopped_) return router.refuse(*stanza, going_down);
  const auto size = stanza->wire_size();
  if (entries_.size() >= static_cast<std::size_t>(shard.value(s2s_queue_stanzas)) ||
      bytes_ + size > static_cast<std::size_t>(shard.value(s2s_queue_bytes)))
    return router.refuse(*stanza, StanzaError{Condition::resource_constraint, "Too much waits for that server."});
  const bool told = stanza->kind() != Kind::message;
  entries_.push_back({stanza, told ? FateTicket{} : ticket, home_.shard.core().now(), Kept::no, {}, told});
  bytes_ += size;
  last_used_ = home_.shard.core().now();
  if (state_ == State::open) {
    ++handed_;  // first, as what is pushed may be written at once
    outbox_->push(stanza);
    at_turn_end(home_.shard.core());  // behind the outbox's own
  } else if (state_ == State::closed) {
    open();
  }
  if (!is_set()) set(home_.shard.core().timers(), next_tick);
  return told ? MaybeFate{Fate::handed} : std::nullopt;
}

void ServerQueue::take_stored(const Spooled& stored) {
  const Core& core = home_.shard.core();
  const Seconds limit = home_.shard.value(s2s_queue_age);
  // While the server was away nobody could have got them back.
  const Steady oldest = core.now() - limit + std::min(limit, tried_after_start);
  for (const auto& [id, xml] : stored) {
    auto stanza = Stanza::from_xml(xml);
    if (!stanza) {
      popped_.push_back(id);
      continue;
    }
    const auto age = std::max<std::chrono::microseconds>(core.wall() - time_of_id(id), 0us);
    bytes_ += stanza->wire_size();
    entries_.push_back({std::move(stanza), {}, std::max(core.now() - age, oldest), Kept::yes, id, true});
  }
  forget_popped();
  if (entries_.empty()) return;
  open();
  set(home_.shard.core().timers(), next_tick);
}

void ServerQueue::tell(Entry& entry, Fate fate) {
  if (std::exchange(entry.told, true)) return;
  home_.shard.router().settle(entry.ticket, fate);
}

void ServerQueue::pop_front() {
  bytes_ -= entries_.front().stanza->wire_size();
  // One that is under way to the store is erased when it has arrived there (keep()).
  if (entries_.front().kept == Kept::yes) popped_.push_back(std::move(entries_.front().id));
  entries_.pop_front();
}

void ServerQueue::forget_popped() {
  if (!popped_.empty()) spawn(forget(shared_from_this()));
}

// What the socket has taken is gone.
void ServerQueue::settle_written() {
  if (outbox_ && managed_ == Managed::no && handed_ > outbox_->stanzas()) leave_front(handed_ - outbox_->stanzas());
}

// So many have arrived.
void ServerQueue::leave_front(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    tell(entries_.front(), Fate::handed);
    pop_front();
  }
  handed_ -= count;
  stanzas_sent.add(static_cast<std::int64_t>(count));
  last_used_ = home_.shard.core().now();
  failures_ = 0;
  forget_popped();
}

// Behind a batch of stanzas, one question at a time (XEP-0198 §4).
std::string ServerQueue::trailer() {
  // Behind nothing of ours, such as an answer, nobody is asked: two servers would ask each other for ever.
  if (managed_ != Managed::yes || handed_ == 0 || std::exchange(asked_, true)) return {};
  acknowledged_by_ = home_.shard.core().now() + answer_time;
  return "<r xmlns='urn:xmpp:sm:3'/>";
}

// Counts modulo 2^32. Not empty: the stream ends for it.
std::string ServerQueue::take_acknowledgement(const Element& element) {
  if (managed_ != Managed::yes) return {};
  const auto h = sm_count(element.raw_attribute("h"));
  const std::uint32_t fresh = h.value_or(0) - acknowledged_;
  if (!h || fresh > handed_) return "it acknowledges what was not sent";
  acknowledged_ = *h;
  leave_front(fresh);
  asked_ = false;
  // What was written behind the question.
  if (handed_ > 0 && outbox_->size() == 0) outbox_->push_raw(trailer());
  return {};
}

void ServerQueue::refuse_front(const StanzaError& error) {
  Entry entry = entries_.front();
  pop_front();
  stanzas_returned.add();
  home_.shard.router().refuse(*entry.stanza, error);
  tell(entry, Fate::refused);
}

std::int64_t ServerQueue::reject(const StanzaError& error) {
  // What is in the outbox may have been sent.
  std::deque<Entry> sent{entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(handed_)};
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(handed_));
  const auto count = static_cast<std::int64_t>(entries_.size());
  while (!entries_.empty()) refuse_front(error);
  entries_ = std::move(sent);
  forget_popped();
  return count;
}

// A message that waits must not hold its sender's acknowledgements up.
void ServerQueue::keep_what_waits(Seconds at_least) {
  const Steady now = home_.shard.core().now();
  for (auto& entry : entries_) {
    if (now - entry.since < at_least) break;
    if (entry.kept != Kept::no || entry.told || entry.stanza->kind() != Kind::message) continue;
    entry.kept = Kept::on_its_way;
    // The id tells when it was taken, also after a restart.
    const auto age = std::chrono::duration_cast<std::chrono::microseconds>(now - entry.since);
    if (entry.id.empty()) entry.id = spool_.make_id(home_.shard.core().wall() - age);
    spawn(keep(shared_from_this(), entry.id, entry.stanza));
  }
}

Task<void> ServerQueue::keep(std::shared_ptr<ServerQueue> self, std::string id, StanzaRef stanza) {
  ++self->keeping_;
  const auto stored = co_await self->spool_.keep(id, stanza->xml());
  --self->keeping_;
  if (stored) stanzas_kept.add();
  const auto entry = std::ranges::find(self->entries_, id, &Entry::id);
  if (entry == self->entries_.end()) {
    // It has left the queue meanwhile.
    if (stored) self->popped_.push_back(std::move(id));
    self->forget_popped();
    co_return;
  }
  if (!stored) {
    queue_log().failure("a message to another server cannot be stored",
                        {{"to", stanza->to().text()}, {"why", stored.failure().what}});
    // It goes on waiting here; its fate is not known before it is sent or returned.
    entry->kept = Kept::no;
    co_return;
  }
  entry->kept = Kept::yes;
  self->tell(*entry, Fate::stored);
}

Task<void> ServerQueue::forget(std::shared_ptr<ServerQueue> self) {
  ++self->keeping_;
  co_await self->spool_.forget(std::exchange(self->popped_, {}));
  --self->keeping_;
}

void ServerQueue::refuse_what_is_old() {
  const auto limit = home_.shard.value(s2s_queue_age);
  const Steady now = home_.shard.core().now();
  while (handed_ == 0 && !entries_.empty() && now - entries_.front().since >= limit) refuse_front(last_error_);
  forget_popped();
}

// Each second while something waits; so what has waited for one is stored before another has passed.
void ServerQueue::fires() {
  const auto self = shared_from_this();
  settle_written();
  keep_what_waits(stored_after);
  refuse_what_is_old();
  if (entries_.empty()) {
    if (state_ == State::waiting) state_ = State::closed;
    return;
  }
  if (state_ == State::waiting && home_.shard.core().now() >= retry_at_) open();
  if (handed_ > 0 && outbox_ && outbox_->size() == 0)
    if (std::string question = trailer(); !question.empty()) outbox_->push_raw(std::move(question));
  if (asked_ && home_.shard.core().now() >= acknowledged_by_) end("it acknowledges nothing");
  set(home_.shard.core().timers(), next_tick);
}

void ServerQueue::open() {
  if (stopped_ || borrow()) return;
  state_ = State::opening;
  spawn(run(shared_from_this()));
}

bool ServerQueue::flush() {
  if (state_ != State::waiting) return !entries_.empty();
  StreamShard& table = home_.home_of(pair_.target);
  table.shard.core().post([&table, target = pair_.target] { table.targets.forget(target); });
  open();
  return true;
}

QueueDescription ServerQueue::describe() const {
  static constexpr std::string_view words[] = {"closed", "opening", "open", "waiting"};
  const Steady now = home_.shard.core().now();
  QueueDescription d{.source = pair_.source,
                     .target = pair_.target,
                     .state = std::string(words[static_cast<std::size_t>(state_)]),
                     .stanzas = static_cast<std::int64_t>(entries_.size()),
                     .bytes = static_cast<std::int64_t>(bytes_)};
  if (!entries_.empty()) d.oldest_seconds = std::chrono::floor<Seconds>(now - entries_.front().since).count();
  if (state_ == State::waiting)
    d.retry_seconds = std::max<std::int64_t>(0, std::chrono::ceil<Seconds>(retry_at_ - now).count());
  if (stream_) {
    d.number = static_cast<std::int64_t>(stream_->number);
    d.address = stream_->transport->address();
    d.security = security_;
  }
  // What is wrong, or was: not what an idle queue would tell whoever writes next.
  if (state_ != State::open && last_error_.text != not_reached.text) d.last_error = last_error_.text;
  return d;
}

}  // namespace jackdaw
