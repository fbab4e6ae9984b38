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
  tell_of_expiry();
  parts_->cores.front()->post([this] { look_again_later(); });
}

// Core 0.
void RunningServer::look_again_later() {
  if (server_.stopping) return;
  const auto pause = parts_->shards.front()->value(tls_check_interval);
  parts_->certificates_timer.call(parts_->cores.front()->timers(), pause,
                                  [this] { spawn(look_at_certificates(*this)); });
}

Task<void> RunningServer::look_at_certificates(RunningServer& running) {
  running.parts_->looks_at_certificates = true;
  co_await running.parts_->workers->run("certificates", [&running] {
    running.renew_certificates();
    running.tell_of_expiry();
    return true;
  });
  running.parts_->looks_at_certificates = false;
  running.look_again_later();
}

void RunningServer::renew_certificates() {
  std::lock_guard lock(parts_->reloading);
  if (server_.stopping) return;
  const Settings& settings = *parts_->settings;
  const std::string look = look_of_certificates(settings, parts_->domains, options_.data_directory);
  if (look == parts_->certificates_look) return;
  CertificateWish wish{settings,        parts_->domains,      options_.data_directory, options_.clock->wall(),
                       parts_->tickets, parts_->cores.size(), &parts_->shown};
  for (const auto& stream : parts_->streams) wish.now.push_back(stream->tls.get());
  const auto read = read_domain_certificates(wish);
  if (!read) {
    parts_->certificates_look = look;
    certificates_log().failure("certificates cannot be read again; the old ones are shown on",
                               {{"why", read.failure().what}});
    return;
  }
  // Perhaps one file of two is there so far: the next change is looked at again.
  for (const auto& [domain, why] : read->kept)
    certificates_log().failure("a changed certificate cannot be used; the old one is shown on",
                               {{"domain", domain}, {"why", why}});
  parts_->keep_shown(*read);
  StartLoop loop;
  for (std::size_t i = 0; i < parts_->cores.size(); ++i)
    loop.run(offload(*parts_->cores[i], [&, i] {
      parts_->streams[i]->tls = read->contexts[i];
      return true;
    }));
  certificates_log().major("changed files of certificates are used",
                           {{"domains", read->shown.size() - read->kept.size()}});
  parts_->expiry_told = {};
}

// The numbers at each look, for alarms; the lines once a day.
void RunningServer::tell_of_expiry() {
  const Steady now = options_.clock->steady();
  std::lock_guard lock(parts_->reloading);
  const bool is_time = parts_->expiry_told == Steady{} || now - parts_->expiry_told >= expiry_told_again;
  if (is_time) parts_->expiry_told = now;
  std::lock_guard shown_lock(parts_->shown_mutex);
  jackdaw::tell_of_expiry(parts_->shown, options_.clock->wall(), parts_->settings->value(tls_expiry_warning),
                          is_time ? Told::said : Told::counted);
}

}  // namespace jackdaw
