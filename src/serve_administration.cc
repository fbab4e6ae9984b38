// What administrators' operations use of a running server.
// SPDX-License-Identifier: Apache-2.0
#include "admin/operations.h"
#include "net/workers.h"
#include "serve_parts.h"
#include "stream/prove_password.h"

namespace jackdaw {
namespace {

// The reload runs on a worker: it reads files and waits for all cores.
Task<Result<Done>> reload_later(RunningServer& running) {
  const auto reloaded =
      co_await running.server().workers->run("administrator", [&running] { return running.reload(); });
  co_return reloaded ? *reloaded : Result<Done>{Failure{"the server is busy; try again"}};
}

// A process that does one operation applies nothing: the next server reads what is kept.
Task<Result<Done>> no_reload() { co_return Done{}; }

}  // namespace

void RunningServer::open_administration() {
  static const SettingTable table = all_settings();
  server_.administration = std::make_shared<OperationContext>(OperationContext{
      .server = &server_, .settings = &table, .modules = &every_module(), .operations = &all_operations()});
  OperationContext& context = *server_.administration;
  context.reload = [this] { return options_.listen ? reload_later(*this) : no_reload(); };
  context.prove = [this](std::string jid, std::string password) {
    return prove_password(*parts_->streams.front(), std::move(jid), std::move(password), "local");
  };
}

}  // namespace jackdaw
