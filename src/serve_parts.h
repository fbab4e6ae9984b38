// What a running server is made of; for serve.cc, which puts it together, and serve_end.cc, which takes it apart.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/timer.h"
#include "net/workers.h"
#include "router/password_safe.h"
#include "serve.h"
#include "stream/domain_certificates.h"
#include "stream/server_queues.h"

namespace jackdaw {

ResolverOptions resolver_options(const Settings& settings);
// Failure: which setting, and why. An operation on the store does not ask, so that it can mend what is wrong.
Result<Done> check_settings(const Settings& settings);

struct RunningServer::Parts {
  std::unique_ptr<Store> store;
  std::unique_ptr<Workers> workers, kerberos;
  NowhereElse elsewhere;
  std::unique_ptr<PasswordSafe> passwords;
  std::shared_ptr<TlsTickets> tickets;
  std::shared_ptr<Channels> channels = std::make_shared<Channels>();
  std::shared_ptr<const Settings> settings;
  std::vector<std::unique_ptr<Core>> cores;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<StreamShard>> streams;
  std::unique_ptr<Resolver> resolver;
  std::unique_ptr<Workers> fetchers;  // of files of web servers; null: none are asked
  std::vector<std::unique_ptr<ServerQueues>> queues;
  std::vector<std::unique_ptr<SpoolReturn>> returns;  // where there are no queues
  std::unique_ptr<Listeners> listeners;
  std::vector<std::thread> threads;
  std::mutex reloading;
  // Guarded by reloading: what the files of the certificates looked like when they were read last.
  std::string certificates_look;
  std::vector<std::string> domains;
  bool had_file = false;  // the settings file was there
  std::mutex shown_mutex;
  std::map<std::string, DomainCertificates::Shown> shown;  // of each domain
  CallTimer certificates_timer;                            // of core 0
  bool looks_at_certificates = false;                      // core 0: a worker does it at present
  Steady expiry_told{};                                    // when the log was told of certificates that expire

  void keep_shown(const DomainCertificates& read) {
    certificates_look = read.look;
    std::lock_guard lock(shown_mutex);
    shown = read.shown;
  }
};

}  // namespace jackdaw
