// Certificates while the server runs: new files are used without a restart, and the log warns before they expire.
// Start reading at RunningServer::look_at_certificates().
// SPDX-License-Identifier: Apache-2.0
#include "net/start_loop.h"
#include "serve_parts.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

constexpr auto expiry_told_again = std::chrono::hours{24};

const Log& certificates_log() {
  static const Log made{"CERTS"};
  return made;
}

}  // namespace

// Before the cores run.
void RunningServer::watch_certificates() {
  tell_of_expiry(true);
  parts_->cores.front()->post([this] { spawn(look_at_certificates(*this)); });
}

Task<void> RunningServer::look_at_certificates(RunningServer& running) {
  co_await running.parts_->workers->run("certificates", [&running] {
    running.renew_certificates();
    running.tell_of_expiry(false);
    return true;
  });
  if (running.server_.stopping) co_return;
  Core& core = *running.parts_->cores.front();
  const auto pause = running.parts_->shards.front()->value(tls_check_interval);
  running.parts_->certificates_timer.call(core.timers(), pause, [&running] { spawn(look_at_certificates(running)); });
}

void RunningServer::renew_certificates() {
  std::lock_guard lock(parts_->reloading);
  if (server_.stopping) return;
  const Settings& settings = *parts_->settings;
  const std::string look = look_of_certificates(settings, parts_->domains, options_.data_directory);
  if (look == parts_->certificates_look) return;
  auto read = read_domain_certificates({settings, parts_->domains, options_.data_directory, options_.clock->wall(),
                                        parts_->tickets, parts_->cores.size(), &parts_->shown});
  if (!read) {
    // Perhaps one file of two is there so far: the next change is looked at again.
    parts_->certificates_look = look;
    certificates_log().failure("changed files of certificates cannot be used; the old ones are shown on",
                               {{"why", read.failure().what}});
    return;
  }
  parts_->keep_shown(*read);
  StartLoop loop;
  for (std::size_t i = 0; i < parts_->cores.size(); ++i)
    loop.run(offload(*parts_->cores[i], [&, i] {
      parts_->streams[i]->tls = read->contexts[i];
      return true;
    }));
  certificates_log().major("changed files of certificates are used", {{"domains", read->shown.size()}});
  parts_->expiry_told = {};
}

void RunningServer::tell_of_expiry(bool at_start) {
  const Steady now = options_.clock->steady();
  std::lock_guard lock(parts_->reloading);
  if (!at_start && parts_->expiry_told != Steady{} && now - parts_->expiry_told < expiry_told_again) return;
  parts_->expiry_told = now;
  std::lock_guard shown_lock(parts_->shown_mutex);
  jackdaw::tell_of_expiry(parts_->shown, options_.clock->wall(), parts_->settings->value(tls_expiry_warning));
}

}  // namespace jackdaw
