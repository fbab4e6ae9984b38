// Ends a disconnected session when its time to be resumed is over.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "stream/client_session.h"

namespace jackdaw {

class ClientSession::ResumeTimer final : public Timer {
 public:
  // Holds the session: nobody else does while it is disconnected but the router.
  ResumeTimer(ClientSession& session, TimerWheel& wheel, Seconds patience) : session_(session) { set(wheel, patience); }
  void fires() override {
    const auto held = session_.shared_from_this();
    session_.finish();
  }

 private:
  ClientSession& session_;
};

}  // namespace jackdaw
