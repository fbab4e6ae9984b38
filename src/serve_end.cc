// The end of a running server: nobody comes in, everybody is told, everything is stored.
// SPDX-License-Identifier: Apache-2.0
#include "net/start_loop.h"
#include "router/operation.h"
#include "serve_parts.h"

namespace jackdaw {
namespace {

constexpr auto stop_time = std::chrono::seconds(5);

}  // namespace

// On core `i`: nobody comes in any more, and whoever is there is told to go.
bool RunningServer::dismiss_all(std::size_t i) {
  parts_->listeners->close(i);
  if (i == 0) parts_->certificates_timer.cancel();
  std::vector<SessionRef> sessions;
  parts_->shards[i]->router().each_account([&](Account& account) {
    for (auto& r : account.resources()) sessions.push_back(r.session);
  });
  const StreamError why{StreamCondition::system_shutdown, "The server is going down."};
  for (auto& session : sessions) session->end(why);
  parts_->shards[i]->components().end_all(why);
  for (auto* transport : parts_->cores[i]->transports()) transport->interrupt();
  return true;
}

// Calls `what(core)` on each core that runs, one after the other.
template <class What>
void RunningServer::on_each(What&& what) {
  StartLoop loop;
  for (std::size_t i = 0; i < parts_->threads.size(); ++i)
    loop.run(offload(*parts_->cores[i], [&, i] { return what(i); }));
}

// Until no core answers true, or it is too late.
template <class IsLeft>
void RunningServer::wait_while(std::chrono::steady_clock::time_point until, IsLeft&& is_left) {
  for (bool left = true; left && std::chrono::steady_clock::now() < until;) {
    left = false;
    on_each([&](std::size_t i) { return left |= is_left(i); });
    if (left) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

RunningServer::~RunningServer() {
  {
    std::lock_guard lock(parts_->reloading);  // one that is under way ends first
    server_.stopping = true;
  }
  const auto until = std::chrono::steady_clock::now() + stop_time;
  on_each([&](std::size_t i) { return dismiss_all(i); });
  wait_while(until, [&](std::size_t i) {
    return i == 0 &&
           (parts_->looks_at_certificates || (server_.administration && server_.administration->under_way > 0));
  });
  // Other servers are told who leaves; then the streams to them end.
  wait_while(until, [&](std::size_t i) { return parts_->shards[i]->router().has_sessions(); });
  on_each([&](std::size_t i) {
    if (!parts_->queues.empty()) parts_->queues[i]->stop();
    if (i == 0 && parts_->resolver) parts_->resolver->stop();
    return true;
  });
  wait_while(until, [&](std::size_t i) {
    return !parts_->cores[i]->transports().empty() || parts_->shards[i]->router().keeping() > 0 ||
           (!parts_->queues.empty() && parts_->queues[i]->keeping() > 0);
  });
  for (int round = 0; round < 3; ++round)
    on_each([&](std::size_t i) {
      for (auto* transport : parts_->cores[i]->transports()) transport->break_off();
      return true;
    });
  // A start that failed before the store was open has nothing to wait for.
  if (parts_->store) wait_for_store(until + stop_time);
  stop_cores();
}

// What is being stored comes to its end, and whoever waits for it: three rounds of all cores with nothing queued.
void RunningServer::wait_for_store(std::chrono::steady_clock::time_point until) {
  for (int quiet = 0; quiet < 3 && std::chrono::steady_clock::now() < until;) {
    on_each([](std::size_t) { return true; });
    quiet = parts_->store->queued() == 0 ? quiet + 1 : 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void RunningServer::stop_cores() {
  for (auto& core : parts_->cores) core->stop();
  for (auto& thread : parts_->threads) thread.join();
  parts_->workers.reset();
  parts_->kerberos.reset();
  parts_->fetchers.reset();
  parts_->listeners.reset();
  parts_->queues.clear();
  parts_->resolver.reset();
  parts_->streams.clear();
  parts_->shards.clear();
  parts_->store.reset();
}

}  // namespace jackdaw
