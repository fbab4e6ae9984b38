// ServerQueues: one core's queues to other servers, by pair of domains.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string_view>

#include "router/remote_servers.h"
#include "stream/server_queue.h"

namespace jackdaw {

class ServerQueues final : public RemoteServers, private Timer {
 public:
  explicit ServerQueues(StreamShard& home);
  ~ServerQueues() override;

  MaybeFate send(const StanzaRef& stanza, FateTicket ticket) override;
  std::vector<QueueDescription> describe() const override;
  Task<ServerDescription> find(std::string domain) override;
  std::int64_t flush(std::string_view target) override;
  std::int64_t reject(std::string_view target) override;
  void stop() override;
  std::int64_t keeping() const override;

  // Messages that waited in the store when the server ended last, once for a pair. Before anything is sent; all of
  // them, whatever the limits are now.
  void take_stored(const DomainPair& pair, const Spooled& stored);

 private:
  struct PairView {
    std::string_view source, target;
  };
  struct Less {
    using is_transparent = void;
    static PairView view(const DomainPair& pair) { return {pair.source, pair.target}; }
    static PairView view(const PairView& pair) { return pair; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      const PairView x = view(a), y = view(b);
      const int order = x.source.compare(y.source);
      return order < 0 || (order == 0 && x.target < y.target);
    }
  };
  std::shared_ptr<ServerQueue> find_queue(PairView pair);
  std::shared_ptr<ServerQueue> add_queue(PairView pair);
  bool make_room();
  void warn_of_policy();
  void fires() override;

  StreamShard& home_;
  std::map<DomainPair, std::shared_ptr<ServerQueue>, Less> queues_;  // at most s2s.queues
  bool stopped_ = false;
  std::string warned_of_;  // s2s.unlisted, when it was looked at last
};

}  // namespace jackdaw
