// ServerStream: what another server says on a stream: its proofs and its stanzas. accept_server.cc leads there, and for
// a stream that we have opened and that goes both ways (XEP-0288) server_queue_stream.cc.
//
// On the core that accepted the connection; one that goes both ways, on the home core of its pair.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/entity.h"
#include "stream/dialback.h"
#include "stream/fates.h"
#include "stream/outbox.h"
#include "stream/read_loop.h"
#include "stream/s2s_settings.h"
#include "stream/stream_shard.h"
#include "stream/xml_stream.h"

namespace jackdaw {

// Whether the peer has shown a valid certificate of that domain's.
bool certificate_proves(const Shard& shard, const XmlStream& stream, std::string_view domain);
void count_refused_proof();
void count_proven_streams(int more);  // of those that others have opened

// Who sends on a stream that goes both ways: the queue of its pair, one at a time.
class StreamBorrower {
 public:
  // Behind each batch of stanzas; may be empty.
  virtual std::string batch_ends() = 0;
  // XEP-0198: what we send is acknowledged from now on, or will not be.
  virtual void acknowledges(bool it_does) = 0;
  // An <a/>. Not empty: the stream ends for it.
  virtual std::string take_acknowledgement(const Element& element) = 0;
  // Nothing may be written into the stream's outbox any more. `why`: empty when nothing was wrong.
  virtual void stream_left(const std::string& why) = 0;
  virtual Steady last_used() const = 0;
  virtual bool has_something_to_send() const = 0;

 protected:
  ~StreamBorrower() = default;
};

class ServerStream final : public Entity, private OutboxOwner, public std::enable_shared_from_this<ServerStream> {
 public:
  static constexpr std::size_t max_open = 2000;  // stanzas whose fate is not known; more are not read

  // Who has opened it, and whether it goes both ways (XEP-0288).
  enum class Opened { by_peer, by_peer_both_ways, by_us_both_ways };
  // `pair`: of its header, our domain first.
  ServerStream(StreamShard& here, XmlStream& stream, std::string stream_id, Opened opened, DomainPair pair);
  ~ServerStream() override;

  // `from` may send to `to` from now on.
  void prove(DomainPair from_to);
  // The same, by the peer's certificate: until that expires.
  void prove_by_certificate(DomainPair from_to);
  // XEP-0220 §2.2. An error ends the stream.
  std::optional<StreamError> take_dialback(const Element& element);
  // The connection is gone, or will be. `why`: for who sends on it.
  void leave(const std::string& why);
  // Who sends on it is told; nobody does any more.
  void end_loan(const std::string& why);
  // Ends it in order.
  void close();
  // RFC 6120 §4.4: behind our closing tag the peer is still heard, until it has closed too or `at_most` is over;
  // nothing is said. Where it counts (XEP-0198) it sends again what was not acknowledged, and is not heard.
  bool may_hear_on() const { return closing_ && !why_ended_ && !managed_ && !proven_.empty(); }
  void hear_on(Seconds at_most);
  // The settings have changed: it ends, where they would not let its proofs pass any more.
  void check_policy();
  bool is_closing() const { return closing_; }
  void flush() { outbox_->flush(); }

  // XEP-0288. Whether the settings let our stanzas go on it, and nobody sends on it yet.
  bool may_be_lent() const;
  // From now on `borrower` may write stanzas of the pair; null: nobody. One that we have opened is closed then.
  void lend(StreamBorrower* borrower);
  Outbox& outbox() { return *outbox_; }
  XmlStream& stream() { return *stream_; }
  bool is_managed() const { return managed_; }
  bool is_opened_by_us() const { return opened_ == Opened::by_us_both_ways; }
  // XEP-0198 §3, of a stream that we have opened.
  void ask_for_management() { say("<enable xmlns='urn:xmpp:sm:3'/>"); }

  // Entity.
  void deliver(StanzaRef) override {}
  void settled(std::uint32_t number) override;

  // For the read loop.
  std::optional<StreamError> take_stanza(const XmlReader& reader);
  // Our stanzas on it do not count: both sides would wait for each other.
  bool is_crowded();
  void hear_error(const Element& error);
  // What the peer has said in its stream error; empty: it has sent none.
  const std::string& peers_error() const { return peers_error_; }
  // The queue that sends on it ends it.
  bool outlasts_interrupts() const { return borrower_ != nullptr; }
  bool is_lent() const { return borrower_ != nullptr; }
  bool is_behind() const { return has_many_open(); }
  bool has_many_open() const { return fates_.open() > max_open; }
  Task<void> caught_up(std::size_t open);
  bool is_served_by(const XmlStream&) const { return true; }
  const StreamError* why_ended() const;
  // TCP finds out whether it is there. One that we have opened is closed.
  bool ask_for_life();
  Rate rate() const { return {here_.shard.value(s2s_rate), here_.shard.value(s2s_rate)}; }

 private:
  Task<bool> settle_by_certificate(DialbackElement asked);
  static Task<void> verify(std::shared_ptr<ServerStream> self, DialbackElement asked);
  std::optional<StanzaError> why_not_asked(const DialbackElement& asked) const;
  std::optional<StanzaError> why_not_secure(std::string_view domain) const;
  bool is_proven(std::string_view from, std::string_view to) const;
  std::optional<StreamError> take_management(const Element& element);
  void manage();
  void acknowledge();
  void wake_reader();
  void answer_question(const DialbackElement& asked);
  void refuse_proof(const DialbackElement& asked, const StanzaError& error);
  std::optional<StreamError> refuse(const Element& element, Kind kind, const StanzaError& error);
  void end(StreamError why);
  void stuck() override { end({StreamCondition::resource_constraint, "You do not read what is sent to you."}); }
  std::string trailer() override { return borrower_ ? borrower_->batch_ends() : std::string{}; }
  const Log* stream_log() const override { return stream_ ? &stream_->log() : nullptr; }
  std::size_t outbox_limit() const;
  void say(std::string answer);

  StreamShard& here_;
  XmlStream* stream_;  // null once it has left
  const std::uint64_t number_;
  const std::string stream_id_;
  const Opened opened_;
  const DomainPair pair_;  // of the header, our domain first
  std::unique_ptr<Outbox> outbox_;
  StreamBorrower* borrower_ = nullptr;
  bool closing_ = false;
  bool said_all_ = false;  // our closing tag is written
  bool hears_on_ = false;  // and the peer is heard still
  bool was_lent_ = false;
  std::size_t answers_waiting_ = 0;  // bytes, since the outbox was empty last
  std::string peers_error_;
  Fates fates_;
  std::size_t awaited_ = 0;
  Later<bool>* reader_ = nullptr;  // waits until no more than `awaited_` fates are open
  bool managed_ = false;           // XEP-0198
  std::uint32_t counting_from_ = 0;
  std::optional<std::uint32_t> owed_;  // an <a/>, when so many fates are known
  bool asked_again_ = false;
  std::vector<DomainPair> proven_;  // the last one that was used in front
  std::size_t questions_ = 0, refused_ = 0, unproven_bytes_ = 0;
  CallTimer unproven_, expiry_, end_of_hearing_;
  std::optional<StreamError> why_ended_;
};

// Serves a stream until its end; the session lives as long.
Task<void> run_server_stream(std::unique_ptr<XmlStream> stream, Shard* shard, std::shared_ptr<ServerStream> session);

}  // namespace jackdaw
