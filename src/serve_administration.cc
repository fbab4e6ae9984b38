// What administrators' operations use of a running server.
// SPDX-License-Identifier: Apache-2.0
#include "admin/operations.h"
#include "net/workers.h"
#include "serve_parts.h"
#include "stream/prove_password.h"

namespace jackdaw {
namespace {

// On a worker: it reads files and waits for all cores. A process that does one operation applies nothing; what it keeps
// must be what the next server can start with.
Task<Result<Done>> reload_later(RunningServer& running, bool serves) {
  const auto reloaded = co_await running.server().workers->run(
      "administrator", [&running, serves] { return serves ? running.reload() : running.check_configuration(); });
  co_return reloaded ? *reloaded : Result<Done>{Failure{"the server is busy; try again"}};
}

}  // namespace

void RunningServer::open_administration() {
  static const SettingTable table = all_settings();
  server_.administration = std::make_shared<OperationContext>(OperationContext{
      .server = &server_, .settings = &table, .modules = &every_module(), .operations = &all_operations()});
  OperationContext& context = *server_.administration;
  context.serves = options_.listen;
  context.reload = [this] { return reload_later(*this, options_.listen); };
  context.prove = [this](std::string jid, std::string password) {
    return prove_password(*parts_->streams.front(), std::move(jid), std::move(password), "local");
  };
}

}  // namespace jackdaw
