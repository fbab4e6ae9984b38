// Wiring only: settings, store, cores, modules, listeners, in that order; and their end, the other way round.
// SPDX-License-Identifier: Apache-2.0
#include "serve.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "base/bytes.h"
#include "modules/all.h"
#include "net/start_loop.h"
#include "net/workers.h"
#include "router/module.h"
#include "router/server_settings.h"
#include "stream/negotiation.h"
#include "stream/scram.h"
#include "stream/stream_modules.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

constexpr auto stop_time = std::chrono::seconds(5);

const Log& log() {
  static const Log made{"SERVER"};
  return made;
}

LogLevel level_named(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(LogLevel::all); ++i)
    if (name_of(static_cast<LogLevel>(i)) == word) return static_cast<LogLevel>(i);
  return LogLevel::major;
}

Result<std::string> read_file(const std::string& file, bool may_be_missing) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return may_be_missing ? Result<std::string>{std::string{}} : Failure{file + ": cannot be read"};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// What the administrator changed at run time (store map "settings": "domain name" to text) and added (map "domains").
struct Kept {
  std::vector<StoredChange> changes;
  std::vector<std::string> domains;
  std::string secret;
};

Task<Result<Kept>> read_kept(Store& store) {
  Kept kept;
  auto changes = co_await store.map("settings").all({});
  if (!changes) co_return changes.failure();
  for (auto& [key, text] : *changes) {
    const auto space = key.find(' ');
    if (space != key.npos) kept.changes.push_back({key.substr(0, space), key.substr(space + 1), text});
  }
  auto domains = co_await store.map("domains").all({});
  if (!domains) co_return domains.failure();
  for (auto& [name, unused] : *domains) kept.domains.push_back(name);
  auto secret = co_await store.map("server").get({}, "secret");
  if (!secret) co_return secret.failure();
  kept.secret = secret->value_or(std::string{});
  if (kept.secret.empty()) {
    kept.secret = random_bytes(32);
    const auto stored = co_await store.map("server").set({}, "secret", kept.secret);
    if (!stored) co_return stored.failure();
  }
  co_return kept;
}

Failure not_served(const std::string& file, const std::string& domain) {
  return {fmt::format("{}: domain.{}: this domain is not served; add it to `domains`", file, domain)};
}

}  // namespace

const std::vector<const Module*>& every_module() {
  static const std::vector<const Module*> list = [] {
    auto all = all_modules;
    all.insert(all.end(), stream_modules.begin(), stream_modules.end());
    return all;
  }();
  return list;
}

SettingTable all_settings() {
  std::vector<SettingRows> lists{stream_settings(), server_settings()};
  for (const Module* module : all_modules) lists.push_back(module->settings);
  return SettingTable{lists};
}

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
  std::unique_ptr<Listeners> listeners;
  std::vector<std::thread> threads;
  std::mutex reloading;
};

// Builds a RunningServer step by step; each step fails with one line.
struct ServerAssembly {
  RunningServer& running;
  RunningServer::Parts& parts;
  ServeOptions& options;
  Server& server;

  struct Configuration {
    std::shared_ptr<const Settings> settings;
    std::vector<std::string> domains;
    std::string secret;
  };

  // Everything that the settings and the list of domains come from.
  Task<Result<Configuration>> configure() {
    const bool named = !options.config_file.empty();
    const std::string file = named ? options.config_file : options.data_directory + "/jackdaw.toml";
    const auto text = read_file(file, !named);
    if (!text) co_return text.failure();
    auto kept = co_await read_kept(*parts.store);
    if (!kept) co_return kept.failure();
    auto settings = merge(all_settings(), {kept->changes, file, *text, options.command_line});
    if (!settings) co_return settings.failure();
    if (auto good = check_component_secrets(**settings); !good) co_return good.failure();
    Configuration made{*settings, {}, kept->secret};
    for (const auto& list : {(*settings)->domains(), kept->domains})
      for (const auto& name : list) {
        const auto domain = prepare_domainpart(name);
        if (!domain) co_return Failure{"domains: '" + name + "' is no valid domain name"};
        if (std::find(made.domains.begin(), made.domains.end(), *domain) == made.domains.end())
          made.domains.push_back(*domain);
      }
    if (made.domains.empty()) made.domains.push_back("localhost");
    for (const auto& name : (*settings)->domains_with_own_values())
      if (std::find(made.domains.begin(), made.domains.end(), name) == made.domains.end())
        co_return not_served(file, name);
    co_return made;
  }

  Result<Done> open_store() {
    if (options.store) {
      parts.store = std::move(options.store);
      return Done{};
    }
    auto opened = open_sqlite_store(options.data_directory);
    if (!opened) return opened.failure();
    parts.store = std::move(*opened);
    return Done{};
  }

  // A domain without a certificate of its own gets a self-signed one: TLS is on from the first minute.
  Result<Done> ensure_certificates(const Configuration& configuration) {
    for (const auto& domain : configuration.domains) {
      const auto files = tls_files_of(*configuration.settings, domain, options.data_directory);
      const bool own_place = configuration.settings->value(tls_certificate, domain).empty();
      if (!own_place || ::access(files.certificate.c_str(), F_OK) == 0) continue;
      ::mkdir((options.data_directory + "/certs").c_str(), 0700);
      std::vector<std::string> names{domain};
      if (domain != "localhost") names.push_back("localhost");
      if (auto made = make_self_signed(files, names); !made) return made;
    }
    return Done{};
  }

  Result<Done> make_cores(const Configuration& configuration) {
    auto count = static_cast<std::size_t>(configuration.settings->value(server_cores));
    if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < count; ++i) {
      parts.cores.push_back(std::make_unique<Core>(static_cast<int>(i), *options.clock, options.socket_faults));
      parts.shards.push_back(std::make_unique<Shard>(server, *parts.cores.back(), configuration.settings));
      server.shards.push_back(parts.shards.back().get());
    }
    for (auto& shard : parts.shards) {
      auto tls =
          TlsContexts::make(*configuration.settings, configuration.domains, options.data_directory, parts.tickets);
      if (!tls) return tls.failure();
      parts.streams.emplace_back(new StreamShard{.shard = *shard, .tls = *tls, .all = parts.streams});
      shard->set_domains(configuration.domains);
    }
    make_listeners();
    return Done{};
  }

  void make_listeners() {
    parts.listeners = std::make_unique<Listeners>(
        parts.cores.size(), parts.channels,
        [&streams = parts.streams](std::size_t core, std::unique_ptr<Transport> transport, TlsMode mode) {
          spawn(negotiate(std::move(transport), mode, *streams[core]));
        });
  }

  // The sockets that the settings ask for and that are not open yet.
  Result<Listeners::Plan> plan_listening(const Settings& settings) {
    return options.listen ? parts.listeners->prepare(settings) : Listeners::Plan{};
  }

  // Before the cores run.
  Result<Done> listen(const Settings& settings) {
    auto plan = plan_listening(settings);
    if (!plan) return plan.failure();
    for (std::size_t i = 0; i < parts.cores.size(); ++i) parts.listeners->apply(*plan, i, *parts.cores[i]);
    parts.listeners->settle(*plan);
    return Done{};
  }

  void apply_to_process(const Settings& settings) {
    set_log_level(level_named(settings.value(log_level)));
    parts.channels->limit(settings.value(listen_channels), settings.value(listen_channels_per_address));
  }
};

RunningServer::RunningServer(ServeOptions options) : options_(std::move(options)), parts_(std::make_unique<Parts>()) {}

Result<std::unique_ptr<RunningServer>> RunningServer::start(ServeOptions options) {
  ::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  std::unique_ptr<RunningServer> running{new RunningServer(std::move(options))};
  Parts& parts = *running->parts_;
  Server& server = running->server_;
  ServerAssembly assembly{*running, parts, running->options_, server};
  if (auto opened = assembly.open_store(); !opened) return opened.failure();
  StartLoop loop;
  auto configuration = loop.run(assembly.configure());
  if (!configuration) return configuration.failure();
  parts.tickets = std::make_shared<TlsTickets>(*running->options_.clock);
  parts.workers = std::make_unique<Workers>(2);
  server.store = parts.store.get();
  server.modules = every_module();
  server.elsewhere = &parts.elsewhere;
  server.workers = parts.workers.get();
  server.clock = running->options_.clock;
  server.derive_keys = derive_scram_keys;
  server.secret = configuration->secret;
  server.data_directory = running->options_.data_directory;
  server.started = server.clock->wall();
  assembly.apply_to_process(*configuration->settings);
  if (auto made = assembly.ensure_certificates(*configuration); !made) return made.failure();
  if (auto made = assembly.make_cores(*configuration); !made) return made.failure();
  if (auto made = assembly.listen(*configuration->settings); !made) return made.failure();
  parts.settings = configuration->settings;
  for (auto& core : parts.cores) parts.threads.emplace_back([c = core.get()] { c->run(); });
  return running;
}

const std::vector<Listening>& RunningServer::listening() const { return parts_->listeners->addresses(); }

void RunningServer::run_blocking(std::function<Task<void>()> f) {
  std::mutex mutex;
  std::condition_variable over;
  bool done = false;
  // A named coroutine function: a capturing lambda must not be one itself.
  struct Run {
    static Task<void> all(std::function<Task<void>()>& call, std::mutex& m, std::condition_variable& c, bool& flag) {
      co_await call();
      std::lock_guard lock(m);
      flag = true;
      c.notify_all();
    }
  };
  parts_->cores.front()->post([&] { spawn(Run::all(f, mutex, over, done)); });
  std::unique_lock lock(mutex);
  over.wait(lock, [&] { return done; });
}

Result<Done> RunningServer::reload() {
  std::lock_guard lock(parts_->reloading);
  if (server_.stopping) return Failure{"the server is going down"};
  ServerAssembly assembly{*this, *parts_, options_, server_};
  StartLoop loop;
  auto configuration = loop.run(assembly.configure());
  if (!configuration) return configuration.failure();
  if (auto made = assembly.ensure_certificates(*configuration); !made) return made;
  std::vector<std::shared_ptr<TlsContexts>> contexts;
  for (std::size_t i = 0; i < parts_->cores.size(); ++i) {
    auto tls =
        TlsContexts::make(*configuration->settings, configuration->domains, options_.data_directory, parts_->tickets);
    if (!tls) return tls.failure();
    contexts.push_back(*tls);
  }
  auto plan = assembly.plan_listening(*configuration->settings);
  if (!plan) return plan.failure();
  for (const auto& name : changed_needing_restart(*parts_->settings, *configuration->settings))
    log().major("a setting takes effect at the next start", {{"setting", name}});
  assembly.apply_to_process(*configuration->settings);
  parts_->settings = configuration->settings;
  for (std::size_t i = 0; i < parts_->cores.size(); ++i) {
    loop.run(offload(*parts_->cores[i], [&, i] {
      parts_->streams[i]->tls = contexts[i];
      parts_->shards[i]->apply(configuration->settings);
      parts_->shards[i]->set_domains(configuration->domains);
      parts_->listeners->apply(*plan, i, *parts_->cores[i]);
      return true;
    }));
  }
  parts_->listeners->settle(*plan);
  log().major("settings reloaded");
  return Done{};
}

// On core `i`: nobody comes in any more, and whoever is there is told to go.
bool RunningServer::dismiss_all(std::size_t i) {
  parts_->listeners->close(i);
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

RunningServer::~RunningServer() {
  {
    std::lock_guard lock(parts_->reloading);  // one that is under way ends first
    server_.stopping = true;
  }
  const auto on_each = [&](auto&& what) {
    StartLoop loop;
    for (std::size_t i = 0; i < parts_->threads.size(); ++i)
      loop.run(offload(*parts_->cores[i], [&, i] { return what(i); }));
  };
  on_each([&](std::size_t i) { return dismiss_all(i); });
  const auto until = std::chrono::steady_clock::now() + stop_time;
  for (bool left = true; left && std::chrono::steady_clock::now() < until;) {
    left = false;
    on_each([&](std::size_t i) {
      return left |= !parts_->cores[i]->transports().empty() || parts_->shards[i]->router().keeping() > 0;
    });
    if (left) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (int round = 0; round < 3; ++round)
    on_each([&](std::size_t i) {
      for (auto* transport : parts_->cores[i]->transports()) transport->break_off();
      return true;
    });
  // A start that failed before the store was open has nothing to wait for.
  if (!parts_->store) {
    stop_cores();
    return;
  }
  // What is being stored comes to its end, and whoever waits for it: three rounds of all cores with nothing queued.
  for (int quiet = 0; quiet < 3 && std::chrono::steady_clock::now() < until + stop_time;) {
    on_each([](std::size_t) { return true; });
    quiet = parts_->store->queued() == 0 ? quiet + 1 : 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop_cores();
}

void RunningServer::stop_cores() {
  for (auto& core : parts_->cores) core->stop();
  for (auto& thread : parts_->threads) thread.join();
  parts_->workers.reset();
  parts_->listeners.reset();
  parts_->streams.clear();
  parts_->shards.clear();
  parts_->store.reset();
}

}  // namespace jackdaw
