// ClientSession: a bound resource as the router sees it. With stream management (XEP-0198) it outlives its connection.
//
// On the account's home core. Connected, it writes through an Outbox; disconnected, it keeps what comes until the
// client resumes or its time is over, and then delivers it again by RFC 6121 §8.5. Stream management is in
// xep0198_stream_management.cc.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "router/entity.h"
#include "stream/fates.h"
#include "stream/outbox.h"
#include "stream/read_loop.h"
#include "stream/sent_queue.h"
#include "stream/stream_shard.h"
#include "stream/xml_stream.h"

namespace jackdaw {

class ClientSession final : public Session, private OutboxOwner, public std::enable_shared_from_this<ClientSession> {
 public:
  static constexpr std::size_t max_held_bytes = 1 << 20;
  static constexpr std::size_t max_open = 2000;  // stanzas whose fate is not known; more are not read

  ClientSession(StreamShard& home, Jid jid, std::string lang);
  ~ClientSession() override;

  // Session, for the router.
  const Jid& jid() const override { return jid_; }
  void deliver(StanzaRef stanza) override;
  void deliver_kept(StanzaRef stanza) override;
  void deliver_copy(StanzaRef stanza) override;
  void deliver_again(StanzaRef stanza, bool is_copy, TimePoint since) override;
  std::size_t room() const override;
  void confirm(std::function<void(Receipt)> told) override;
  void end(StreamError why) override;
  void settled(std::uint32_t number) override;
  SessionDescription describe() const override;

  // For the connection that serves it now.
  void connect(XmlStream& stream);
  bool is_served_by(const XmlStream& stream) const { return stream_ == &stream; }
  // A stanza that the reader has just read. An error ends the stream.
  std::optional<StreamError> take_stanza(const XmlReader& reader);
  // <r/>, <a/>, <enable/> and other first-level elements that are no stanzas.
  std::optional<StreamError> take_nonza(const Element& element);
  // Silence: asks for a sign of life, which is always owed.
  bool ask_for_life();
  Rate rate() const;
  bool is_crowded() const { return outbox_ && outbox_->is_crowded(); }
  // True when so many fates are open that nothing more should be read before some are known.
  bool is_behind() const { return has_many_open() || held_.size() > max_open || held_bytes_ > max_held_bytes; }
  bool has_many_open() const { return fates_.open() > max_open; }
  // Waits until at most `open` fates are not known.
  Task<void> caught_up(std::size_t open);
  Transport& transport() { return *stream_->transport; }
  // Null while it goes on.
  const StreamError* why_ended() const { return why_ended_.get(); }
  // Writes out what waits, while the peer still reads.
  void flush() {
    if (outbox_) outbox_->flush();
  }
  // The connection is gone. With resumption on, waits for the client; else finishes.
  void lose_connection();
  // Detaches, and delivers again what the client did not get. Harmless when done before.
  void finish();
  bool is_finished() const { return finished_; }

  // XEP-0198 §5, on a new connection: takes the session over if `h` is possible. False: it is not.
  bool resume(XmlStream& stream, std::uint32_t h);
  std::uint32_t handled() const { return fates_.settled() - counting_from_; }
  bool is_resumable() const { return resume_id_.has_value(); }

 private:
  struct Confirmation {
    std::uint32_t number;  // told when so many sent stanzas are acknowledged
    bool needs_ping;       // and not before the last ping is answered
    std::function<void(Receipt)> told;
  };
  struct HeldReply {
    std::uint32_t after;  // leaves when so many of the client's stanzas are settled
    StanzaRef stanza;     // null: an <a/>
  };
  class ResumeTimer;

  void push(StanzaRef stanza, Undelivered then, Steady at);
  bool is_servers_reply(const Stanza& stanza) const;
  bool answers_our_ping(const Element& element, Type type);
  void send_ping(const std::string& id);
  std::optional<StanzaRef> read_stanza(const XmlReader& reader, Kind kind, std::optional<StreamError>& error);
  MaybeFate route(const StanzaRef& stanza, FateTicket ticket);
  void refuse_unread(const Element& element, Kind kind, const StanzaError& error);
  void release_held();
  void tell_confirmations(Receipt receipt);
  void tell_received();
  void keep_uncounted();
  void route_again(const SentQueue& lost);
  bool too_much_is_unacknowledged() const;
  // Nothing of it leaves this server: of somebody who has not said who they are (XEP-0175 §4).
 public:
  void stay_here() { stays_here_ = true; }
  // The certificate that proved it is valid so long; empty: no longer by one.
  void end_in(std::optional<Seconds> left);

 private:
  // OutboxOwner.
  void stuck() override;
  std::string trailer() override { return managed_ ? request_acknowledgement() : std::string(); }
  const Log* stream_log() const override { return stream_ ? &stream_->log() : nullptr; }

  // Stream management.
  std::optional<StreamError> take_acknowledgement(const Element& element);
  void enable(const Element& element);
  bool acknowledge(std::uint32_t h);
  std::string request_acknowledgement();
  void answer_request();
  void drop_acknowledged();

  StreamShard& home_;
  Jid jid_;
  std::string lang_;
  std::uint64_t number_;
  bool stays_here_ = false;
  std::unique_ptr<CallTimer> expiry_;  // null: without an end
  XmlStream* stream_ = nullptr;        // null while disconnected
  std::unique_ptr<Outbox> outbox_;
  Fates fates_;
  std::vector<std::pair<std::size_t, Later<bool>*>> waiting_for_fates_;
  std::vector<HeldReply> held_;  // beyond max_open or max_held_bytes nothing more is read
  std::size_t held_bytes_ = 0;
  std::vector<Confirmation> confirmations_;
  std::string ping_id_;  // of the ping that stands for an acknowledgement without stream management
  std::uint32_t pings_sent_ = 0;
  std::unique_ptr<StreamError> why_ended_;
  std::string last_address_;
  TimePoint connected_at_;
  Steady last_heard_;

  bool managed_ = false;  // <enable/> was accepted
  // Kept messages that were delivered without stream management: nothing but a ping behind them shows their arrival.
  enum class Unmanaged : std::uint8_t { none, sent, ping_behind } unmanaged_ = Unmanaged::none;
  bool asked_for_ack_ = false;
  bool finished_ = false;
  std::optional<ResumeId> resume_id_;  // the client may resume with it
  std::uint32_t counting_from_ = 0;    // fates known when <enabled/> was sent
  std::uint32_t acknowledged_ = 0;     // of what we sent since then
  SentQueue unacknowledged_;           // bounded by c2s.resume_queue and c2s.resume_bytes
  // Behind a connection: what it may not have got of what came before <enabled/>. Who resumes has got that.
  std::unique_ptr<SentQueue> uncounted_;
  std::unique_ptr<ResumeTimer> resume_timer_;
};

}  // namespace jackdaw
