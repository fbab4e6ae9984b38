// RemoteServers: the way to the domains of other servers, as the router and the administrator see it. One per core, for
// the pairs of domains whose home it is; stream/ has the one that there is.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "router/fate.h"
#include "stanza/stanza.h"

namespace jackdaw {

// What waits from one of our domains for one of another server, and the stream it takes.
struct QueueDescription {
  std::string source, target, state;  // closed, opening, open, waiting
  std::int64_t stanzas = 0, bytes = 0, oldest_seconds = 0, retry_seconds = 0, number = 0;
  std::string address, security, last_error;
};

// How the server of a domain is found, for a person.
struct ServerDescription {
  std::string policy;               // of TLS
  std::vector<std::string> places;  // in the order in which they are tried
  std::string why;                  // there is none
};

class RemoteServers {
 public:
  virtual ~RemoteServers() = default;
  // Home core of the pair (Server::home_of_pair). The fate of a message is known when its peer's socket has taken it,
  // or the store; of others at once.
  virtual MaybeFate send(const StanzaRef& stanza, FateTicket ticket) = 0;

  virtual std::vector<QueueDescription> describe() const = 0;
  // Looks as a queue would. On this core.
  virtual Task<ServerDescription> find(std::string domain) = 0;

  // Those of `target`: tries at once; or returns all that waits to its senders. How many queues, how many stanzas.
  virtual std::int64_t flush(std::string_view target) = 0;
  virtual std::int64_t reject(std::string_view target) = 0;

  // Nothing is taken any more; messages that wait go to the store.
  virtual void stop() = 0;
  // Messages under way to the store.
  virtual std::int64_t keeping() const = 0;
};

}  // namespace jackdaw
