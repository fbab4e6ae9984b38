// SPDX-License-Identifier: Apache-2.0
#include "troupe.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>

#include "play.h"

namespace jackdaw::talks {
namespace {

using namespace std::chrono_literals;

constexpr unsigned longest_talk = 60;  // seconds, with all its faults; a longer one hangs

// TALKS_PATIENCE multiplies how long is waited, for slow machines and sanitizers.
int patience_factor() {
  const char* text = std::getenv("TALKS_PATIENCE");
  return text ? std::max(1, std::atoi(text)) : 1;
}

std::string hold_once(const Talk& talk, const Mode& mode) {
  std::string why;
  World world{talk, mode, why};
  if (!why.empty()) return "the server does not start: " + why;
  return Play{world, talk, 5s * patience_factor()}.run();
}

// The n-th call fails. `untouched`: the talk has fewer calls.
std::string hold_with_fault(const Talk& talk, const Mode& mode, int n, bool& untouched) {
  std::string why;
  World world{talk, mode, why};
  if (!why.empty()) return "the server does not start: " + why;
  Play play{world, talk, 4s * patience_factor()};
  world.arm(n);
  why = play.run();
  untouched = !world.has_struck();
  world.arm(0);
  const bool clock_stood =
      talk.moves_clock && mode.fault == Mode::Fault::socket;  // so the listener's pause did not end
  if (!why.empty() && !clock_stood && (untouched || !play.may_end_here()))
    return "with call " + std::to_string(n) + " failing: " + why;
  why = play.prove_service();
  return why.empty() ? why : "with call " + std::to_string(n) + " failing: " + why;
}

std::string hold(const Talk& talk, const Mode& mode) {
  if (mode.fault == Mode::Fault::none) return hold_once(talk, mode);
  bool untouched = false;
  for (int n = 1; n <= mode.most_faults && !untouched; ++n)
    if (auto why = hold_with_fault(talk, mode, n, untouched); !why.empty()) return why;
  return {};
}

// In a process of its own: says why on `out`; nothing when it went well.
[[noreturn]] void hold_in_child(const std::string& file, const Mode& mode, int out) {
  ::alarm(longest_talk * static_cast<unsigned>(patience_factor()));
  Talk talk;
  std::string why;
  if (read_talk(file, talk, why)) {
    why = hold(talk, mode);
    if (!why.empty()) why = file + ':' + why;
  }
  for (std::size_t done = 0; done < why.size();) {
    const auto n = ::write(out, why.data() + done, why.size() - done);
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  std::exit(why.empty() ? 0 : 1);
}

struct Worker {
  std::string file, said;
  int out = -1;
};

class Workers {
 public:
  Workers(const Mode& mode, bool verbose) : mode_(mode), verbose_(verbose) {}

  void start(const std::string& file) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(ends[0]);
      hold_in_child(file, mode_, ends[1]);
    }
    ::close(ends[1]);
    running_[pid] = {file, {}, ends[0]};
  }

  std::size_t count() const { return running_.size(); }

  // Waits until one has come to its end.
  void finish_one(Score& score) {
    for (std::size_t before = count(); count() == before;) {
      std::vector<pollfd> polls;
      polls.reserve(running_.size());
      for (auto& [pid, worker] : running_) polls.push_back({.fd = worker.out, .events = POLLIN, .revents = 0});
      ::poll(polls.data(), polls.size(), -1);
      for (const auto& poll : polls)
        if (poll.revents && listen(poll.fd, score)) break;
    }
  }

 private:
  // True: that worker is done.
  bool listen(int descriptor, Score& score) {
    const auto at =
        std::find_if(running_.begin(), running_.end(), [&](const auto& w) { return w.second.out == descriptor; });
    char bytes[4096];
    const auto n = ::read(descriptor, bytes, sizeof bytes);
    if (n > 0) return at->second.said.append(bytes, static_cast<std::size_t>(n)), false;
    int status = 0;
    ::waitpid(at->first, &status, 0);
    ::close(descriptor);
    const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    ++(good ? score.passed : score.failed);
    if (!good)
      std::cout << "FAILED " << at->second.said
                << (WIFSIGNALED(status) ? ended_by(at->second.file, WTERMSIG(status)) : "") << '\n';
    else if (verbose_)
      std::cout << "passed " << at->second.file << '\n';
    running_.erase(at);
    return true;
  }

  static std::string ended_by(const std::string& file, int signal) {
    if (signal == SIGALRM) return file + ": hangs";
    return file + ": the server crashed: " + ::strsignal(signal);
  }

  const Mode& mode_;
  const bool verbose_;
  std::map<pid_t, Worker> running_;
};

}  // namespace

Score hold_talks(const std::vector<std::string>& files, const Mode& mode, int workers, bool verbose) {
  Score score;
  Workers at_work{mode, verbose};
  for (const auto& file : files) {
    if (at_work.count() >= static_cast<std::size_t>(workers)) at_work.finish_one(score);
    at_work.start(file);
  }
  while (at_work.count() > 0) at_work.finish_one(score);
  return score;
}

}  // namespace jackdaw::talks
