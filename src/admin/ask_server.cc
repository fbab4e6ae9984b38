// SPDX-License-Identifier: Apache-2.0
#include "admin/ask_server.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "admin/admin_socket.h"
#include "admin/local_address.h"

namespace jackdaw {
namespace {

// A backup of a large store takes its time.
constexpr timeval send_patience{30, 0}, answer_patience{3600, 0};

struct Connection {
  int descriptor = -1;
  ~Connection() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

bool send_all(int descriptor, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::send(descriptor, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

// Up to the line's end; empty when the server ended before it.
std::string receive_line(int descriptor) {
  std::string line;
  char room[16 * 1024];
  while (line.size() <= longest_answer) {
    const ssize_t n = ::recv(descriptor, room, sizeof room, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return {};
    line.append(room, static_cast<std::size_t>(n));
    if (line.back() == '\n') return line;
  }
  return {};
}

}  // namespace

std::optional<OperationResult> ask_server(const std::string& data_directory, const OperationRequest& request) {
  const std::string file = admin_socket_file(data_directory);
  const std::string line = json_of(request) + '\n';
  if (line.size() > longest_request) return Failure{"the command is too long"};
  const LocalAddress address{file};
  Connection connection{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!address.ok() || connection.descriptor < 0 ||
      ::connect(connection.descriptor, address.get(), address.size()) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::nullopt;
    return Failure{file + ": the server cannot be asked: " + std::strerror(errno)};
  }
  ::setsockopt(connection.descriptor, SOL_SOCKET, SO_SNDTIMEO, &send_patience, sizeof send_patience);
  ::setsockopt(connection.descriptor, SOL_SOCKET, SO_RCVTIMEO, &answer_patience, sizeof answer_patience);
  const std::string answer =
      send_all(connection.descriptor, line) ? receive_line(connection.descriptor) : std::string{};
  if (answer.empty()) return Failure{file + ": the server did not answer; its log may say why"};
  return result_from_json(answer);
}

}  // namespace jackdaw
