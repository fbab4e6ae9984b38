// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "admin/local_address.h"
#include "admin/perform.h"
#include "admin/wire.h"
#include "base/log.h"
#include "base/metrics.h"

namespace jackdaw {
namespace {

constexpr int most_talks = 16;  // one more is closed at once: the command says that the server does not answer
constexpr Seconds request_patience = 10s, answer_patience = 30s, interval = 10s;

const Log& log() {
  static const Log made{"ADMIN"};
  return made;
}

std::int64_t stanzas_routed_so_far() {
  for (const Metric* metric : Metric::all())
    if (metric->name() == "jackdaw_stanzas_routed") return metric->sum();
  return 0;
}

// Empty: the peer is gone, too slow, or says too much.
Task<std::string> read_line(Transport& transport) {
  const Steady until = transport.core().now() + request_patience;
  std::string line;
  while (line.size() <= longest_request && transport.core().now() < until) {
    const Received received = co_await transport.read(request_patience);
    if (received.why != Wake::data) break;
    line.append(received.bytes, received.size);
    if (const auto end = line.find('\n'); end != line.npos) co_return line.substr(0, end);
  }
  co_return std::string{};
}

}  // namespace

std::string admin_socket_file(const std::string& data_directory) { return data_directory + "/jackdaw.sock"; }

bool may_administer(uid_t peer, uid_t own) { return peer == 0 || peer == own; }

Result<int> open_admin_socket(const std::string& data_directory) {
  const std::string file = admin_socket_file(data_directory);
  const auto cannot = [&] { return Failure{file + ": cannot be listened on: " + std::strerror(errno)}; };
  const LocalAddress address{file};
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return cannot();
  ::unlink(file.c_str());
  // The mode set before bind() is the file's: there is no moment at which others could connect.
  if (address.ok() && ::fchmod(descriptor, 0600) == 0 && ::bind(descriptor, address.get(), address.size()) == 0 &&
      ::listen(descriptor, most_talks) == 0)
    return descriptor;
  const Failure why = cannot();
  ::close(descriptor);
  return why;
}

struct AdminSocket::Talks {
  std::shared_ptr<OperationContext> context;
  int under_way = 0;
};

AdminSocket::AdminSocket(Core& core, int descriptor, std::string file, std::shared_ptr<OperationContext> context)
    : core_(core),
      descriptor_(descriptor),
      file_(std::move(file)),
      talks_(std::make_shared<Talks>()),
      routed_before_(stanzas_routed_so_far()),
      measured_(core.now()) {
  talks_->context = std::move(context);
  core_.watch(descriptor_, *this);
  set(core_.timers(), interval);
}

AdminSocket::~AdminSocket() {
  core_.unwatch(descriptor_, *this);
  ::close(descriptor_);
  ::unlink(file_.c_str());
}

// Measures how many stanzas were routed a second since the last time.
void AdminSocket::fires() {
  const std::int64_t routed = stanzas_routed_so_far();
  const double seconds = std::chrono::duration<double>(core_.now() - measured_).count();
  if (seconds > 0) talks_->context->stanzas_per_second = static_cast<double>(routed - routed_before_) / seconds;
  routed_before_ = routed;
  measured_ = core_.now();
  set(core_.timers(), interval);
}

void AdminSocket::ready(std::uint32_t) {
  for (;;) {
    const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0 && errno == EINTR) continue;
    if (accepted < 0) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known = ::getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (!known || !may_administer(peer.uid, ::geteuid())) {
      log().problem("a command of another user was refused", {{"uid", peer.uid}});
      ::close(accepted);
    } else if (talks_->under_way >= most_talks) {
      ::close(accepted);
    } else {
      ++talks_->under_way;
      spawn(talk(talks_, std::make_unique<Transport>(core_, accepted, "local", nullptr)));
    }
  }
}

Task<void> AdminSocket::talk(std::shared_ptr<Talks> talks, std::unique_ptr<Transport> transport) {
  const std::string line = co_await read_line(*transport);
  if (!line.empty()) {
    auto request = request_from_json(line);
    OperationResult result = Failure{};
    if (request)
      result = co_await perform_request(*talks->context, std::move(*request));
    else
      result = request.failure();
    std::string answer = json_of(result);
    if (answer.size() > longest_answer)
      answer = json_of(OperationResult{Failure{"the answer is too long; ask for less with --limit"}});
    transport->write(answer + '\n');
    co_await transport->drained(answer_patience);
  }
  co_await transport->close(1s);
  --talks->under_way;
}

}  // namespace jackdaw
