// ServerQueue: what goes from one of our domains to one of another server, in order, over one stream at a time.
//
// On the home core of the pair. A stream is opened when there is something to send and closed when there was nothing
// for s2s.idle_timeout; one that the peer has opened and that goes both ways is borrowed instead (XEP-0288). Bounded by
// s2s.queue_stanzas, s2s.queue_bytes and s2s.queue_age: beyond, stanzas return to their senders. A message that has
// waited for a second is stored (server_spool.h) and counts as taken then. Start reading at ServerQueue::take() and
// run().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "router/remote_servers.h"
#include "stream/outbox.h"
#include "stream/server_link.h"
#include "stream/server_spool.h"
#include "stream/server_stream.h"

namespace jackdaw {

class ServerQueue final : private OutboxOwner,
                          private StreamBorrower,
                          private TurnEnd,
                          private Timer,
                          public std::enable_shared_from_this<ServerQueue> {
 public:
  ServerQueue(StreamShard& home, DomainPair pair);
  ~ServerQueue() override;

  const DomainPair& pair() const { return pair_; }
  MaybeFate take(const StanzaRef& stanza, FateTicket ticket);
  // What earlier runs have left in the store. Before anything is taken.
  void take_stored(const Spooled& stored);
  // Tries at once. False: nothing waits.
  bool flush();
  // Returns all that waits to its senders; how many.
  std::int64_t reject(const StanzaError& error);
  // Messages go to the store; what can be sent is sent; nothing is opened any more.
  void stop();
  // Closes its stream if it has nothing to send; another queue may take its place.
  void retire();
  // The settings have changed: a stream that they would not allow any more is ended, others are as idle as they say.
  void check_policy();
  bool is_idle() const { return state_ == State::closed && entries_.empty() && keeping_ == 0; }
  bool has_nothing_to_send() const { return entries_.empty() && state_ != State::opening; }
  std::int64_t keeping() const { return keeping_; }
  QueueDescription describe() const;

 private:
  static constexpr Seconds next_tick{0};  // of the timers' wheel, which turns once a second

  enum class State { closed, opening, open, waiting };
  enum class Kept { no, on_its_way, yes };
  struct Entry {
    StanzaRef stanza;
    FateTicket ticket;
    Steady since;
    Kept kept = Kept::no;
    std::string id = {};  // in the store
    bool told = false;    // its fate is known
  };

  static Task<void> run(std::shared_ptr<ServerQueue> self);
  Task<LinkOutcome> reach();
  static Task<void> keep(std::shared_ptr<ServerQueue> self, std::string id, StanzaRef stanza);
  static Task<void> forget(std::shared_ptr<ServerQueue> self);
  // How a stream came to its end.
  struct End {
    bool by_us;
    std::string why = {};  // empty: nothing was wrong
  };
  Task<End> serve(XmlStream& stream);
  static Task<void> run_alone(std::shared_ptr<ServerQueue> self, std::unique_ptr<XmlStream> stream);
  void run_both_ways(ServerLink& link);
  bool borrow();
  void attach(std::shared_ptr<ServerStream> lender);
  void detach();
  std::optional<End> take_element(const Element& element);
  void open();
  void opened(XmlStream& stream, bool verified, bool managed);
  bool is_too_little(bool encrypted, bool verified) const;
  void end_with_certificates();
  void not_opened(const LinkOutcome& outcome);
  void closed(const std::string& why);
  void end(std::string why);
  void forget_popped();
  void wait_until(Steady again);
  void wait_and_retry();
  void pop_front();
  void tell(Entry& entry, Fate fate);
  void settle_written();
  void leave_front(std::size_t count);
  void refuse_front(const StanzaError& error);
  void keep_what_waits(Seconds at_least);
  void refuse_what_is_old();
  // OutboxOwner, StreamBorrower, TurnEnd, Timer.
  void stuck() override;
  std::string trailer() override;
  const Log* stream_log() const override { return stream_ ? &stream_->log() : nullptr; }
  std::string batch_ends() override { return trailer(); }
  void acknowledges(bool it_does) override;
  std::string take_acknowledgement(const Element& element) override;
  void stream_left(const std::string& why) override;
  Steady last_used() const override { return last_used_; }
  bool has_something_to_send() const override { return !entries_.empty(); }
  void turn_ends() override { settle_written(); }
  void fires() override;

  StreamShard& home_;
  const DomainPair pair_;
  ServerSpool spool_;
  State state_ = State::closed;
  bool stopped_ = false;
  std::deque<Entry> entries_;  // the first handed_ of them are in the outbox, or not acknowledged
  std::size_t handed_ = 0;
  std::size_t bytes_ = 0;
  std::vector<std::string> popped_;  // ids of stored ones that have left the queue, to be erased
  std::int64_t keeping_ = 0;
  XmlStream* stream_ = nullptr;  // while open
  Outbox* outbox_ = nullptr;     // while open: of our own stream, or of the one that is lent to us
  std::unique_ptr<Outbox> own_outbox_;
  std::shared_ptr<ServerStream> lender_;
  std::string end_reason_;  // why we end the stream, when something is wrong
  bool ending_ = false;
  bool expired_ = false;  // the certificates that prove the peer
  CallTimer expiry_;
  bool encrypted_ = false, verified_ = false;
  enum class Managed { no, asked_for, yes } managed_ = Managed::no;  // the peer acknowledges (XEP-0198)
  bool asked_ = false;                                               // a request for that is under way
  std::uint32_t acknowledged_ = 0;
  Steady acknowledged_by_{};  // the latest time for an answer
  std::string security_;
  Steady last_used_{}, retry_at_{};
  int failures_ = 0;
  inline static const StanzaError not_reached{Condition::remote_server_timeout, "It was not reached in time."};
  StanzaError last_error_ = not_reached;
};

}  // namespace jackdaw
