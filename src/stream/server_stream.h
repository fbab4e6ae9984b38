// ServerStream: a stream that another server has opened to us: its proofs and its stanzas. accept_server.cc leads
// there.
//
// On the core that accepted the connection.
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
bool certificate_proves(const Shard& shard, const Transport& transport, std::string_view domain);
void count_refused_proof();

class ServerStream final : public Entity, private OutboxOwner, public std::enable_shared_from_this<ServerStream> {
 public:
  static constexpr std::size_t max_open = 2000;  // stanzas whose fate is not known; more are not read

  ServerStream(StreamShard& here, XmlStream& stream, std::string stream_id);
  ~ServerStream() override { here_.shard.router().strike_off(number_); }

  // `from` may send to `to` from now on.
  void prove(DomainPair from_to);
  // XEP-0220 §2.2. An error ends the stream.
  std::optional<StreamError> take_dialback(const Element& element);
  // The connection is gone, or will be.
  void leave();
  void flush() { outbox_->flush(); }

  // Entity.
  void deliver(StanzaRef) override {}
  void settled(std::uint32_t number) override;

  // For the read loop.
  std::optional<StreamError> take_stanza(const XmlReader& reader);
  bool is_crowded() const { return outbox_->is_crowded(); }
  bool is_behind() const { return has_many_open(); }
  bool has_many_open() const { return fates_.open() > max_open; }
  Task<void> caught_up(std::size_t open);
  bool is_served_by(const XmlStream&) const { return true; }
  const StreamError* why_ended() const;
  // TCP finds out whether it is there.
  bool ask_for_life() { return false; }
  Rate rate() const { return {here_.shard.value(s2s_rate), here_.shard.value(s2s_rate)}; }

 private:
  static Task<void> verify(std::shared_ptr<ServerStream> self, DialbackElement asked);
  std::optional<StanzaError> why_not_asked(const DialbackElement& asked) const;
  bool is_proven(std::string_view from, std::string_view to) const;
  void take_management(const Element& element);
  void acknowledge();
  void wake_reader();
  void answer_question(const DialbackElement& asked);
  void refuse_proof(const DialbackElement& asked, const StanzaError& error);
  std::optional<StreamError> refuse(const Element& element, Kind kind, const StanzaError& error);
  void end(StreamError why);
  void stuck() override { end({StreamCondition::resource_constraint, "You do not read what is sent to you."}); }
  std::string trailer() override { return {}; }

  StreamShard& here_;
  XmlStream* stream_;  // null once it has left
  const std::uint64_t number_;
  const std::string stream_id_;
  std::unique_ptr<Outbox> outbox_;
  Fates fates_;
  std::size_t awaited_ = 0;
  Later<bool>* reader_ = nullptr;  // waits until no more than `awaited_` fates are open
  bool managed_ = false;           // XEP-0198
  std::uint32_t counting_from_ = 0;
  std::optional<std::uint32_t> owed_;  // an <a/>, when so many fates are known
  bool asked_again_ = false;
  std::vector<DomainPair> proven_;  // the last one that was used in front
  std::size_t questions_ = 0, refused_ = 0, unproven_bytes_ = 0;
  CallTimer unproven_;
  std::optional<StreamError> why_ended_;
};

}  // namespace jackdaw
