// AdminSocket: the way of an administrator's command to the running server: a socket in the data directory, mode 0600,
// for root and the server's own user. Start reading at AdminSocket::talk().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <memory>
#include <string>

#include "net/core.h"
#include "net/transport.h"
#include "router/operation.h"

namespace jackdaw {

// Makes the socket and listens; what an earlier server left there goes. Failure: why, in one line. Blocks.
Result<int> open_admin_socket(const std::string& data_directory);
std::string admin_socket_file(const std::string& data_directory);

// Whether a process of user `peer` may command a server that runs as `own`.
bool may_administer(uid_t peer, uid_t own);

// Made, used and destroyed on one core. Talks that are under way when it is destroyed go on to their end.
class AdminSocket final : private Watched, private Timer {
 public:
  // Takes the descriptor over.
  AdminSocket(Core& core, int descriptor, std::string file, std::shared_ptr<OperationContext> context);
  ~AdminSocket() override;

 private:
  struct Talks;
  void ready(std::uint32_t events) override;
  void fires() override;
  static Task<void> talk(std::shared_ptr<Talks> talks, std::unique_ptr<Transport> transport);

  Core& core_;
  int descriptor_;
  std::string file_;
  std::shared_ptr<Talks> talks_;
  std::int64_t routed_before_ = 0;
  Steady measured_{};
};

}  // namespace jackdaw
