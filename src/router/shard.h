// Shard: one core's part of the server: its Core, its Router, its domains, the settings it sees.
//
// Made by main before the cores run. Everything but `home_of` and `post` is used on the shard's own core.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/core.h"
#include "router/components.h"
#include "router/domain.h"
#include "router/remote_servers.h"
#include "router/router.h"
#include "router/shared_table.h"
#include "settings/settings.h"
#include "store/store.h"
#include "xml/reader.h"

namespace jackdaw {

struct Module;
struct OperationContext;
class Shard;
class Workers;
class PasswordSafe;
class Resolver;

// A socket that the server listens on, for a person.
struct ListeningDescription {
  std::string address, tls, setting, admits;
};

// What the whole process shares; read-only after the start, or safe on any thread.
struct Server {
  std::vector<Shard*> shards;
  Store* store = nullptr;
  std::vector<const Module*> modules;
  Elsewhere* elsewhere = nullptr;
  Workers* workers = nullptr;
  Workers* kerberos = nullptr;        // a thread for tickets, which waits for files; null where nobody logs in
  PasswordSafe* passwords = nullptr;  // null where there is no data directory
  Resolver* resolver = nullptr;       // null where no other server is spoken with
  Clock* clock = nullptr;
  // Makes the keys of a password (stream/scram.h); takes milliseconds: on `workers` only.
  ScramKeys (*derive_keys)(Hash, std::string_view prepared_password, std::string salt,
                           std::int32_t iterations) = nullptr;
  // Where it listens now. Any thread; not set where nothing listens.
  std::function<std::vector<ListeningDescription>()> listening = {};
  // Fingerprint (SHA-256) of the certificate that a domain shows now; empty: none. Any thread.
  std::function<std::string(const std::string& domain)> certificate_shown = {};
  // What an administrator's operations use; on the first core, by whatever face they come.
  std::shared_ptr<OperationContext> administration = {};
  std::string data_directory;
  std::string secret;  // for salts of unknown users; random, kept in the store
  TimePoint started{};
  std::atomic<std::uint64_t> next_number{1};  // of connections
  std::atomic<std::uint64_t> table_version{0};
  std::atomic<bool> stopping{false};

  std::size_t home_of(std::string_view bare) const;
  Shard& home(std::string_view bare) const { return *shards[home_of(bare)]; }
  // Of what goes from one domain to another.
  Shard& home_of_pair(std::string_view source, std::string_view target) const;
};

class Shard {
 public:
  Shard(Server& server, Core& core, std::shared_ptr<const Settings> settings);
  ~Shard();

  Core& core() { return core_; }
  Router& router() { return *router_; }
  Components& components() { return components_; }
  // What administrators have said of single accounts (aliases.h, strangers.h).
  SharedTable& aliases() { return aliases_; }
  SharedTable& strangers() { return strangers_; }
  // Null where no other server is spoken with.
  RemoteServers* remote_servers() { return remote_servers_; }
  void set_remote_servers(RemoteServers* servers) { remote_servers_ = servers; }
  Server& server() { return server_; }
  const Settings& settings() const { return *settings_; }
  std::shared_ptr<const Settings> settings_ref() const { return settings_; }
  ReaderScratch& reader_scratch() { return scratch_; }
  template <class T>
  T value(const Setting<T>& setting) const {
    return settings_->value(setting);
  }

  // Null when we do not answer for it.
  Domain* domain(std::string_view name);
  std::vector<std::string> domain_names() const;
  // Adds what is missing and removes what is not listed.
  void set_domains(const std::vector<std::string>& names);
  void apply(std::shared_ptr<const Settings> settings);
  // A component has come: tells the domains' modules.
  void tell_of_component(const std::string& name);
  // Called after settings or domains have changed.
  void on_change(std::function<void()> told) { watchers_.push_back(std::move(told)); }

 private:
  void add_domain(const std::string& name);
  void end_sessions_of(std::string_view domain);
  Server& server_;
  Core& core_;
  std::shared_ptr<const Settings> settings_;
  std::unique_ptr<Router> router_;
  Components components_{*this};
  RemoteServers* remote_servers_ = nullptr;
  SharedTable aliases_, strangers_;
  std::map<std::string, std::unique_ptr<Domain>, std::less<>> domains_;
  std::vector<std::unique_ptr<Domain>> retired_;  // deleted ones: a handler may still be under way in them
  std::vector<std::function<void()>> watchers_;
  ReaderScratch scratch_;
};

}  // namespace jackdaw
