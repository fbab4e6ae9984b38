// World: the server that a talk is held with: one of its own for each, with its store, its clock and its faults.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "client.h"
#include "serve.h"
#include "talk.h"

namespace jackdaw::talks {

// How a talk is held.
struct Mode {
  bool tls = false;
  int cores = 1;
  bool sqlite = false;
  enum class Fault { none, store, socket } fault = Fault::none;
  int most_faults = 0;  // tries the 1st, 2nd ... call, up to this one
};

class World {
 public:
  // Empty `why` on success.
  World(const Talk& talk, const Mode& mode, std::string& why);
  ~World();
  World(const World&) = delete;

  // An account with the password of all; nothing happens when it is there already.
  std::string create_account(const std::string& bare_jid);
  std::string lock_account(const std::string& bare_jid);
  std::string give_rights(const std::string& bare_jid, const std::string& rights);
  void advance_clock(Seconds time);

  // From now the n-th call fails; 0: none does.
  void arm(std::int64_t n);
  // Whether the armed call has happened.
  bool has_struck() const;

  // How the n-th client of this talk connects.
  Access access(int number) const;
  std::string address(TlsMode mode) const;

 private:
  std::string change_account(const std::string& bare_jid, AccountRecord record);
  class FakeClock;
  std::atomic<std::int64_t>& countdown() const;
  const Mode mode_;
  std::string directory_;
  std::unique_ptr<FakeClock> clock_;
  std::shared_ptr<std::atomic<std::int64_t>> store_countdown_ = std::make_shared<std::atomic<std::int64_t>>(0);
  Faults socket_faults_;
  std::unique_ptr<RunningServer> server_;
};

}  // namespace jackdaw::talks
