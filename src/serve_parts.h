// What a running server is made of; for serve.cc, which puts it together, and serve_end.cc, which takes it apart.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "net/workers.h"
#include "serve.h"
#include "stream/server_queues.h"

namespace jackdaw {

struct RunningServer::Parts {
  std::unique_ptr<Store> store;
  std::unique_ptr<Workers> workers;
  NowhereElse elsewhere;
  std::shared_ptr<TlsTickets> tickets;
  std::shared_ptr<Channels> channels = std::make_shared<Channels>();
  std::shared_ptr<const Settings> settings;
  std::vector<std::unique_ptr<Core>> cores;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<StreamShard>> streams;
  std::unique_ptr<Resolver> resolver;
  std::unique_ptr<Workers> fetchers;  // of files of web servers; null: none are asked
  std::vector<std::unique_ptr<ServerQueues>> queues;
  std::unique_ptr<Listeners> listeners;
  std::vector<std::thread> threads;
  std::mutex reloading;
};

}  // namespace jackdaw
