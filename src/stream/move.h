// The move of a connection: once it is known whose it is, it goes to the core where that lives, and stays.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <utility>

#include "stream/negotiation.h"

namespace jackdaw {

// Calls `serve(Negotiation)`, which makes a Task, on `home`'s core. The negotiating coroutine must end then.
template <class Serve>
void move_to(StreamShard& home, Negotiation n, Serve serve) {
  if (&home == n.shard) {
    spawn(serve(std::move(n)));
    return;
  }
  n.stream->transport->leave();
  n.shard = &home;
  auto box = std::make_unique<Negotiation>(std::move(n));
  home.shard.core().post([box = std::move(box), serve = std::move(serve), &home]() mutable {
    box->stream->transport->arrive(home.shard.core());
    spawn(serve(std::move(*box)));
  });
}

}  // namespace jackdaw
