// Wiring only: settings, store, cores, modules, listeners, in that order. Their end is in serve_end.cc.
// SPDX-License-Identifier: Apache-2.0
#include "serve.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "admin/xep0050_commands.h"
#include "base/bytes.h"
#include "modules/all.h"
#include "net/start_loop.h"
#include "net/workers.h"
#include "router/aliases.h"
#include "router/module.h"
#include "router/server_settings.h"
#include "router/strangers.h"
#include "serve_parts.h"
#include "settings/settings_file.h"
#include "stream/negotiation.h"
#include "stream/s2s_settings.h"
#include "stream/scram.h"
#include "stream/server_queues.h"
#include "stream/stream_modules.h"
#include "stream/stream_settings.h"

namespace jackdaw {
namespace {

const Log& log() {
  static const Log made{"SERVER"};
  return made;
}

// What the administrator changed at run time (store map "settings": "domain name" to text) and added (map "domains").
struct Kept {
  std::vector<StoredChange> changes;
  std::vector<std::string> domains;
  std::string secret;
  SharedRows aliases, strangers;
};

// What a crash has left of accounts that were to go with their sessions.
Task<Result<Done>> erase_left_behind(Store& store) {
  auto left = co_await store.map(temporary_accounts).all({});
  if (!left) co_return left.failure();
  for (const auto& [jid, unused] : *left) {
    if (auto erased = co_await store.erase_owner(BareJid{JidView::of_prepared(jid)}); !erased) co_return erased;
    if (auto noted = co_await store.map(temporary_accounts).set({}, jid, std::nullopt); !noted) co_return noted;
  }
  co_return Done{};
}

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
  for (auto [map, rows] : {std::pair{alias_map, &kept.aliases}, std::pair{stranger_map, &kept.strangers}}) {
    auto read = co_await read_table(store, map);
    if (!read) co_return read.failure();
    *rows = std::move(*read);
  }
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

Failure not_served(const Settings& settings, const std::string& domain) {
  return {fmt::format("{}domain.{}: this domain is not served; add it to `domains`", settings.place_of_domain(domain),
                      domain)};
}

}  // namespace

const std::vector<const Module*>& every_module() {
  static const std::vector<const Module*> list = [] {
    auto all = all_modules;
    all.push_back(&xep0050_commands);
    all.insert(all.end(), stream_modules.begin(), stream_modules.end());
    return all;
  }();
  return list;
}

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
    SharedRows aliases, strangers;
  };

  // Everything that the settings and the list of domains come from.
  Task<Result<Configuration>> configure() {
    const bool named = !options.config_file.empty();
    const std::string file = named ? options.config_file : options.data_directory + "/jackdaw.toml";
    const auto text = read_settings_file(file);
    if (!text) co_return text.failure();
    if (named && !*text) co_return Failure{file + ": there is no such file"};
    // One that is gone would take the domains that it names along.
    if (parts.had_file && !*text) co_return Failure{file + ": is not there any more; everything stays as it was"};
    parts.had_file = text->has_value();
    auto kept = co_await read_kept(*parts.store);
    if (!kept) co_return kept.failure();
    auto settings = merge(all_settings(), {kept->changes, file, text->value_or(std::string{}), options.command_line});
    if (!settings) co_return settings.failure();
    Configuration made{*settings, {}, kept->secret, kept->aliases, kept->strangers};
    for (const auto& list : {(*settings)->domains(), kept->domains})
      for (const auto& name : list) {
        const auto domain = prepare_domainpart(name);
        if (!domain)
          co_return Failure{(*settings)->place_of_domain(name) + "domains: '" + name + "' is no valid domain name"};
        if (std::find(made.domains.begin(), made.domains.end(), *domain) == made.domains.end())
          made.domains.push_back(*domain);
      }
    if (made.domains.empty()) made.domains.push_back("localhost");
    for (const auto& name : (*settings)->domains_with_own_values())
      if (std::find(made.domains.begin(), made.domains.end(), name) == made.domains.end())
        co_return not_served(**settings, name);
    co_return made;
  }

  // What all cores share.
  void fill_server(const std::string& secret) {
    parts.tickets = std::make_shared<TlsTickets>(*options.clock);
    parts.workers = std::make_unique<Workers>(2);
    server.store = parts.store.get();
    server.modules = every_module();
    server.elsewhere = &parts.elsewhere;
    server.workers = parts.workers.get();
    if (options.listen) parts.kerberos = std::make_unique<Workers>(1);
    server.kerberos = parts.kerberos.get();
    parts.passwords = std::make_unique<PasswordSafe>(options.data_directory);
    server.passwords = parts.passwords.get();
    server.clock = options.clock;
    server.derive_keys = derive_scram_keys;
    server.secret = secret;
    server.data_directory = options.data_directory;
    server.certificate_shown = [&all = parts](const std::string& domain) {
      std::lock_guard lock(all.shown_mutex);
      const auto found = all.shown.find(domain);
      return found == all.shown.end() ? std::string{} : found->second.fingerprint;
    };
    server.started = server.clock->wall();
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

  // Which certificates the domains show. A process that serves nobody needs none, and no broken one keeps it from
  // saying what is wrong.
  Result<DomainCertificates> read_certificates(const Settings& settings, const std::vector<std::string>& domains) {
    const std::size_t cores = options.listen ? parts.cores.size() : 0;
    auto read = read_domain_certificates(
        {settings, domains, options.data_directory, options.clock->wall(), parts.tickets, cores});
    if (!read) return settings.located(read.failure());
    read->contexts.resize(parts.cores.size());
    return read;
  }

  Result<Done> make_cores(const Configuration& configuration) {
    auto count = static_cast<std::size_t>(configuration.settings->value(server_cores));
    if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < count; ++i) {
      parts.cores.push_back(std::make_unique<Core>(static_cast<int>(i), *options.clock, options.socket_faults));
      parts.shards.push_back(std::make_unique<Shard>(server, *parts.cores.back(), configuration.settings));
      server.shards.push_back(parts.shards.back().get());
    }
    const Settings& settings = *configuration.settings;
    if (settings.value(s2s_enabled))
      if (auto started = start_resolver(settings); !started && options.listen) return started;
    if (settings.value(s2s_enabled) && settings.value(s2s_posh)) parts.fetchers = std::make_unique<Workers>(2);
    auto certificates = read_certificates(settings, configuration.domains);
    if (!certificates) return certificates.failure();
    parts.keep_shown(*certificates);
    for (std::size_t i = 0; i < count; ++i) {
      Shard& shard = *parts.shards[i];
      parts.streams.emplace_back(new StreamShard{.shard = shard,
                                                 .tls = certificates->contexts[i],
                                                 .resolver = parts.resolver.get(),
                                                 .fetchers = parts.fetchers.get(),
                                                 .all = parts.streams});
      shard.set_domains(configuration.domains);
      shard.aliases().use(configuration.aliases, 0);
      shard.strangers().use(configuration.strangers, 0);
      if (!settings.value(s2s_enabled) || !options.listen) continue;
      parts.queues.push_back(std::make_unique<ServerQueues>(*parts.streams.back()));
      shard.set_remote_servers(parts.queues.back().get());
    }
    give_out_stored();
    make_listeners();
    return Done{};
  }

  Result<Done> start_resolver(const Settings& settings) {
    auto resolver = Resolver::start(*parts.cores.front(), resolver_options(settings));
    if (!resolver) return settings.located(resolver.failure());
    parts.resolver = std::move(*resolver);
    server.resolver = parts.resolver.get();
    parts.cores.front()->post([asked = parts.resolver.get()] { spawn(asked->watch_proofs()); });
    return Done{};
  }

  // What is stored for other servers goes on its way when the cores run, before anything else; or back to its senders.
  void give_out_stored() {
    if (!options.listen) return;
    StartLoop loop;
    for (auto& [pair, stored] : loop.run(ServerSpool::load_all(*parts.store))) {
      Shard& home = server.home_of_pair(pair.source, pair.target);
      if (parts.queues.empty()) {
        parts.returns.push_back(std::make_unique<SpoolReturn>(home, pair, std::move(stored)));
        continue;
      }
      auto& queues = *parts.queues[static_cast<std::size_t>(home.core().number())];
      home.core().post([&queues, whose = pair, what = std::move(stored)] { queues.take_stored(whose, what); });
    }
  }

  void make_listeners() {
    parts.listeners = std::make_unique<Listeners>(
        parts.cores.size(), parts.channels,
        [&streams = parts.streams](std::size_t core, std::unique_ptr<Transport> transport, TlsMode mode) {
          spawn(negotiate(std::move(transport), mode, *streams[core]));
        });
    server.listening = [listeners = parts.listeners.get()] {
      std::vector<ListeningDescription> all;
      for (const auto& each : listeners->addresses())
        all.push_back({each.address, each.mode == TlsMode::at_once ? "at once" : "starttls", each.setting,
                       each.words.empty() ? "all" : each.words});
      return all;
    };
  }

  // The sockets that the settings ask for and that are not open yet.
  Result<Listeners::Plan> plan_listening(const Settings& settings) {
    auto plan = options.listen ? parts.listeners->prepare(settings) : Listeners::Plan{};
    if (!plan) return settings.located(plan.failure());
    return plan;
  }

  // Before the cores run.
  Result<Done> listen(const Settings& settings) {
    auto plan = plan_listening(settings);
    if (!plan) return plan.failure();
    for (std::size_t i = 0; i < parts.cores.size(); ++i) parts.listeners->apply(*plan, i, *parts.cores[i]);
    parts.listeners->settle(*plan);
    return Done{};
  }

  // Opened before anything else changes: a place that cannot be used refuses the settings. Null: not this server's.
  Result<LogOutput> open_log_places(const Settings& settings) {
    auto output = options.keeps_log ? make_log_output(log_places(settings)) : LogOutput{};
    if (!output) return settings.located(output.failure());
    return output;
  }

  void apply_to_process(const Settings& settings, LogOutput output) {
    if (output) use_log_output(std::move(output));
    if (check_log_settings(settings)) apply_log_levels(settings);
    if (const auto limits = channel_limits(settings)) parts.channels->limit(*limits);
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
  if (running->options_.listen)
    if (auto good = check_settings(*configuration->settings); !good) return good.failure();
  assembly.fill_server(configuration->secret);
  auto log_output = assembly.open_log_places(*configuration->settings);
  if (!log_output) return log_output.failure();
  assembly.apply_to_process(*configuration->settings, std::move(*log_output));
  if (auto dropped = loop.run(drop_dangling_aliases(*parts.store)); !dropped) return dropped.failure();
  if (auto erased = loop.run(erase_left_behind(*parts.store)); !erased) return erased.failure();
  if (auto made = assembly.make_cores(*configuration); !made) return made.failure();
  running->open_administration();
  if (auto made = assembly.listen(*configuration->settings); !made) return made.failure();
  parts.settings = configuration->settings;
  parts.domains = configuration->domains;
  if (running->options_.listen) running->watch_certificates();
  for (auto& core : parts.cores) parts.threads.emplace_back([c = core.get()] { c->run(); });
  return running;
}

std::vector<Listening> RunningServer::listening() const { return parts_->listeners->addresses(); }

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

Result<Done> RunningServer::check_configuration() {
  StartLoop loop;
  auto configuration = loop.run(ServerAssembly{*this, *parts_, options_, server_}.configure());
  if (!configuration) return configuration.failure();
  const Settings& settings = *configuration->settings;
  if (auto good = check_settings(settings); !good) return good.failure();
  const auto certificates = read_domain_certificates(
      {settings, configuration->domains, options_.data_directory, options_.clock->wall(), parts_->tickets, 1});
  if (!certificates) return settings.located(certificates.failure());
  return Done{};
}

Result<Done> RunningServer::reload() {
  std::lock_guard lock(parts_->reloading);
  if (server_.stopping) return Failure{"the server is going down"};
  ServerAssembly assembly{*this, *parts_, options_, server_};
  StartLoop loop;
  auto configuration = loop.run(assembly.configure());
  if (!configuration) return configuration.failure();
  if (auto good = check_settings(*configuration->settings); !good) return good.failure();
  auto certificates = assembly.read_certificates(*configuration->settings, configuration->domains);
  if (!certificates) return certificates.failure();
  auto plan = assembly.plan_listening(*configuration->settings);
  if (!plan) return plan.failure();
  auto log_output = assembly.open_log_places(*configuration->settings);
  if (!log_output) return log_output.failure();
  for (const auto& name : changed_needing_restart(*parts_->settings, *configuration->settings))
    log().major("a setting takes effect at the next start", {{"setting", name}});
  for (const auto& name : parts_->domains)
    if (std::ranges::find(configuration->domains, name) == configuration->domains.end())
      log().major("a domain is served no longer; its accounts, if it has any, are kept", {{"domain", name}});
  assembly.apply_to_process(*configuration->settings, std::move(*log_output));
  parts_->settings = configuration->settings;
  parts_->domains = configuration->domains;
  parts_->keep_shown(*certificates);
  for (std::size_t i = 0; i < parts_->cores.size(); ++i) {
    loop.run(offload(*parts_->cores[i], [&, i] {
      parts_->streams[i]->tls = certificates->contexts[i];
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

}  // namespace jackdaw
