// Outbox: what is to be written to one session, written once at the end of the core's turn.
//
// Bounded by c2s.outbox or component.outbox bytes (a shared payload counted in full) and by 60 s without progress: over
// either, `stuck` is told once, the stream ends and what was not written is routed again, or refused.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "base/log.h"
#include "net/core.h"
#include "net/transport.h"
#include "router/entity.h"

namespace jackdaw {

class OutboxOwner {
 public:
  // Told once: too much waits, or nothing moved for too long.
  virtual void stuck() = 0;
  // What is to follow each batch of stanzas, such as a request for acknowledgement; may be empty.
  virtual std::string trailer() = 0;
  // Of the stream that is written to; null: there is none.
  virtual const Log* stream_log() const { return nullptr; }

 protected:
  ~OutboxOwner() = default;
};

class Outbox final : private TurnEnd, private Timer, private DrainWatcher {
 public:
  struct Entry {
    StanzaRef stanza;  // or
    std::string raw;   // a nonza, ready to be written
    Undelivered then = Undelivered::route;
  };

  Outbox(Transport& transport, std::size_t limit, OutboxOwner& owner);
  ~Outbox() override;

  // As much as has to be there at once.
  void raise_limit(std::size_t limit) { limit_ = std::max(limit_, limit); }
  void push(StanzaRef stanza, Undelivered then = Undelivered::route);
  void push_raw(std::string bytes);

  // True when so much waits that nothing more should be read from this peer.
  bool is_crowded() const { return bytes_ > crowded_bytes; }
  std::size_t bytes() const { return bytes_; }
  std::size_t size() const { return queue_.size(); }
  // Stanzas alone.
  std::size_t stanzas() const { return stanzas_; }
  // Writes as much as the socket takes, now.
  void flush();
  // What the socket has not taken, in order; the outbox is empty then.
  std::vector<Entry> take_unwritten();

 private:
  static constexpr std::size_t crowded_bytes = 128 * 1024;
  static constexpr std::size_t batch_bytes = 64 * 1024;
  void turn_ends() override { flush(); }
  void fires() override { give_up(); }
  void give_up();
  void drained() override;
  std::size_t write_batch();
  void log_batch(const Log& log) const;
  void forget_first(std::size_t count);

  Transport& transport_;
  std::size_t limit_;
  OutboxOwner& owner_;
  bool told_stuck_ = false;
  std::vector<Entry> queue_;
  std::size_t in_flight_ = 0;  // the first of queue_: handed to the transport, not yet taken by the socket
  std::size_t bytes_ = 0;
  std::size_t stanzas_ = 0;  // of queue_
};

}  // namespace jackdaw
