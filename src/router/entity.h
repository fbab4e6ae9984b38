// Entity: anything that sends and can be sent to. Session: an entity that is a bound resource of an account.
//
// Both live on one core and are called there only.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "base/time.h"
#include "stanza/stanza.h"

namespace jackdaw {

class Entity {
 public:
  virtual ~Entity() = default;
  virtual void deliver(StanzaRef stanza) = 0;
  // The fate of one of the stanzas it sent has become known.
  virtual void settled(std::uint32_t number) = 0;
};

// What becomes of a stanza that a session did not get before its end (RFC 6121 §8.5, XEP-0198 §5).
enum class Undelivered {
  route,                 // delivered again as if the resource had not been there
  route_unless_reached,  // the same, but other devices had it too: only when none of them is there
  drop,                  // kept elsewhere
};

// Whether a kept message must be kept on (RFC 6121 §8.5, XEP-0160): `received` once the client has shown that it has
// everything delivered before; `lost` when the session ended first.
enum class Receipt { received, lost };

// What an administrator sees of a session.
struct SessionDescription {
  std::string jid, address, transport, connected_at;
  std::int64_t idle_seconds = 0, queued = 0, number = 0;
  bool resumable = false, disconnected = false;
};

class Session : public Entity {
 public:
  virtual const Jid& jid() const = 0;
  // Not sent again by RFC 6121 §8.5 when the session ends with it unacknowledged: it is kept elsewhere.
  virtual void deliver_kept(StanzaRef stanza) = 0;
  // One of several devices that get it.
  virtual void deliver_copy(StanzaRef stanza) { deliver(std::move(stanza)); }
  // Either of both, of what was first given to a session at `since` and not received there.
  virtual void deliver_again(StanzaRef stanza, bool is_copy, TimePoint since) {
    static_cast<void>(since);
    is_copy ? deliver_copy(std::move(stanza)) : deliver(std::move(stanza));
  }
  // So many stanzas more it takes now; beyond, it is ended for not acknowledging.
  virtual std::size_t room() const { return std::numeric_limits<std::size_t>::max(); }
  // Calls `told` once the client has shown that it received everything delivered so far, or when the session ends.
  virtual void confirm(std::function<void(Receipt)> told) = 0;
  // Ends the stream with an error, on this core, soon.
  virtual void end(StreamError why) = 0;
  virtual SessionDescription describe() const = 0;
};

using SessionRef = std::shared_ptr<Session>;

}  // namespace jackdaw
