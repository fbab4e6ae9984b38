// The server as a whole: how it is, its handlers, its metrics, its backup.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "admin/open_metrics.h"
#include "admin/operations.h"
#include "admin/pages.h"
#include "base/metrics.h"
#include "net/workers.h"
#include "router/remote_servers.h"
#include "router/shard.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

struct Counted {
  std::int64_t sessions = 0, waiting_to_resume = 0, queued = 0, accounts = 0, waiting = 0, queued_to_servers = 0;
};

// On the shard's core.
Counted count_here(Shard& shard) {
  Counted counted;
  shard.router().each_account([&](Account& account) {
    ++counted.accounts;
    counted.waiting += static_cast<std::int64_t>(account.waiting.size());
    for (auto& resource : account.resources()) {
      const SessionDescription is = resource.session->describe();
      ++counted.sessions;
      counted.waiting_to_resume += is.disconnected ? 1 : 0;
      counted.queued += is.queued;
    }
  });
  if (RemoteServers* servers = shard.remote_servers())
    for (const auto& queue : servers->describe()) counted.queued_to_servers += queue.stanzas;
  return counted;
}

Task<Counted> count_all(OperationContext& context) {
  Counted all;
  for (Shard* shard : context.server->shards) {
    const Counted here = co_await offload(shard->core(), [shard] { return count_here(*shard); });
    all.sessions += here.sessions;
    all.waiting_to_resume += here.waiting_to_resume;
    all.queued += here.queued;
    all.accounts += here.accounts;
    all.waiting += here.waiting;
    all.queued_to_servers += here.queued_to_servers;
  }
  co_return all;
}

std::int64_t sum_of(std::string_view name) {
  std::int64_t sum = 0;
  for (const Metric* metric : Metric::all())
    if (metric->name() == name) sum += metric->sum();
  return sum;
}

// Reads a file: on a worker.
std::int64_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::int64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

// One row, each column a line of its own.
class Record {
 public:
  Record& add(std::string_view column, OperationCell value) {
    table_.columns.emplace_back(column);
    table_.rows.front().push_back(std::move(value));
    return *this;
  }
  OperationTable take() && { return std::move(table_); }

 private:
  OperationTable table_{.shape = OperationTable::Shape::record, .columns = {}, .rows = {{}}};
};

void add_connections(Record& record, const Counted& counted) {
  const std::int64_t open = sum_of("jackdaw_connections_open"), clients = counted.sessions - counted.waiting_to_resume,
                     servers = sum_of("jackdaw_s2s_streams_in"), components = sum_of("jackdaw_components");
  record.add("connections", open)
      .add("connections_of_clients", clients)
      .add("connections_of_servers", servers)
      .add("connections_of_components", components)
      .add("connections_not_proven", std::max<std::int64_t>(0, open - clients - servers - components))
      .add("streams_to_servers", sum_of("jackdaw_s2s_streams_out"))
      .add("sessions", counted.sessions)
      .add("sessions_to_be_resumed", counted.waiting_to_resume);
}

Task<OperationResult> show_status(OperationContext& context, OperationValues) {
  const Server& server = *context.server;
  const Counted counted = co_await count_all(context);
  const auto memory = co_await server.workers->run("administrator", resident_bytes);
  const auto up = std::chrono::duration_cast<Seconds>(server.clock->wall() - server.started);
  Record record;
  record.add("started", to_datetime(server.started))
      .add("uptime_seconds", static_cast<std::int64_t>(up.count()))
      .add("cores", static_cast<std::int64_t>(server.shards.size()))
      .add("domains", static_cast<std::int64_t>(server.shards.front()->domain_names().size()));
  add_connections(record, counted);
  record.add("accounts_awake", counted.accounts)
      .add("stanzas_routed", sum_of("jackdaw_stanzas_routed"))
      .add("stanzas_per_second", static_cast<std::int64_t>(std::llround(context.stanzas_per_second)))
      .add("memory_bytes", memory.value_or(0))
      .add("queued_to_clients", counted.queued)
      .add("queued_to_servers", counted.queued_to_servers)
      .add("queued_at_accounts", counted.waiting)
      .add("queued_at_store", server.store->queued())
      .add("log_lines_dropped", static_cast<std::int64_t>(dropped_log_lines()));
  co_return OperationAnswer{{}, std::move(record).take()};
}

Task<OperationResult> list_listening(OperationContext& context, OperationValues) {
  OperationTable table{.columns = {"address", "tls", "setting", "admits"}};
  for (const auto& socket : context.server->listening())
    table.rows.push_back({socket.address, socket.tls, socket.setting, socket.admits});
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> reload_settings(OperationContext& context, OperationValues) {
  const auto reloaded = co_await context.reload();
  if (!reloaded) co_return Failure{"nothing was changed: " + reloaded.failure().what};
  co_return OperationAnswer{"settings reloaded\n"};
}

Task<OperationResult> list_handlers(OperationContext& context, OperationValues values) {
  Shard& shard = *context.server->shards.front();
  const std::string name = values.one("domain");
  Domain* domain = shard.domain(name.empty() ? shard.domain_names().front() : prepare_domainpart(name).value_or(name));
  if (!domain) co_return Failure{printable(name) + ": this domain is not served"};
  OperationTable table{.columns = {"stanza", "address", "payload", "phase", "module"}};
  for (const auto& handler : domain->handlers())
    table.rows.push_back({handler.stanza, handler.address, handler.payload, handler.phase, handler.module});
  co_return OperationAnswer{{}, std::move(table)};
}

Task<OperationResult> show_metrics(OperationContext&, OperationValues values) {
  co_return OperationAnswer{values.has("markdown") ? metrics_page() : open_metrics()};
}

Task<OperationResult> make_backup(OperationContext& context, OperationValues values) {
  const std::string file = values.one("file");
  if (!file.starts_with('/')) co_return Failure{printable(file) + ": the file's path must be absolute"};
  const auto made = co_await context.server->store->backup(file);
  if (!made) co_return made.failure();
  co_return OperationAnswer{printable(file) + ": the store was copied\n"};
}

}  // namespace

const Operations& server_operations() {
  static const Operations rows{
      {.words = "status",
       .summary = "Shows how the server is: time up, connections, stanzas, memory, queues.",
       .right = Right::monitors,
       .needs = Needs::server,
       .run = show_status},
      {.words = "listen list",
       .summary = "Lists the addresses that the server listens on, and who may come in there.",
       .right = Right::monitors,
       .needs = Needs::server,
       .run = list_listening},
      {.words = "reload",
       .summary = "Reads the settings file again; when it is wrong, everything stays as it was.",
       .right = Right::settings,
       .needs = Needs::server,
       .run = reload_settings},
      {.words = "metrics",
       .flags = {{"markdown", "Prints the table of metrics as docs/metrics.md has it."}},
       .summary = "Prints the server's counters as OpenMetrics text.",
       .right = Right::monitors,
       .needs = Needs::server,
       .run = show_metrics},
      {.words = "handlers",
       .flags = {{"domain", "Of this domain (the first).", ArgumentType::domain}},
       .summary = "Lists what answers or watches which stanzas, and the module it belongs to.",
       .right = Right::monitors,
       .concerns = {"domain"},
       .run = list_handlers},
      {.words = "backup",
       .arguments = {{"file", ArgumentType::file, "A file that does not exist yet, where the server may write."}},
       .summary = "Copies the whole store into a file while the server runs.",
       .right = Right::all,
       .run = make_backup},
  };
  return rows;
}

}  // namespace jackdaw
