// RunningServer: the whole server put together, for main.cc and for tests: settings, store, cores, domains, listeners,
// in that order. Start reading at RunningServer::start().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/faults.h"
#include "router/module.h"
#include "router/shard.h"
#include "settings/merge.h"
#include "stream/listeners.h"
#include "stream/stream_shard.h"

namespace jackdaw {

struct ServeOptions {
  std::string data_directory = "data";
  std::string config_file;                // empty: jackdaw.toml in the data directory, when it is there
  std::vector<std::string> command_line;  // name=value
  bool listen = true;                     // false: only the store and the modules, for an administrator's command
  bool keeps_log = false;                 // the settings say where the process's log goes
  // For tests.
  std::unique_ptr<Store> store;  // instead of the database in the data directory
  Clock* clock = &system_clock();
  Faults* socket_faults = nullptr;
};

// Every module and every XEP of the stream, as the lists and the documents show them.
const std::vector<const Module*>& every_module();
// Every setting of the server: of the floors, then of the modules.
SettingTable all_settings();

class RunningServer {
 public:
  // Blocks until everything listens. Failure: one line for the administrator; nothing runs then.
  static Result<std::unique_ptr<RunningServer>> start(ServeOptions options);
  // Closes streams with system-shutdown and stores what is pending, within 10 s.
  ~RunningServer();

  Server& server() { return server_; }
  // Any thread.
  std::vector<Listening> listening() const;
  // Runs `f` on the first core and waits for its end; from outside the cores.
  void run_blocking(std::function<Task<void>()> f);
  // Reads the file again and applies it, or keeps everything and says why. Any thread but a core's.
  Result<Done> reload();
  // Whether a server would start with the file and what is kept now. Any thread but a core's.
  Result<Done> check_configuration();
  // Uses the files of certificates when they have changed since they were read; what cannot be used leaves all as it
  // was, with a line in the log. Any thread but a core's.
  void renew_certificates();

 private:
  explicit RunningServer(ServeOptions options);
  template <class What>
  void on_each(What&& what);
  template <class IsLeft>
  void wait_while(std::chrono::steady_clock::time_point until, IsLeft&& is_left);
  void wait_for_store(std::chrono::steady_clock::time_point until);
  bool dismiss_all(std::size_t i);
  void stop_cores();
  void open_administration();
  void watch_certificates();
  void look_again_later();
  static Task<void> look_at_certificates(RunningServer& running);
  void tell_of_expiry();
  friend struct ServerAssembly;
  struct Parts;
  ServeOptions options_;
  Server server_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace jackdaw
