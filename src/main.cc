// The program: its command line, `serve`, `setup`, `restore`, and where an administrator's operation is done. Start
// reading at main().
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <thread>

#include "admin/admin_socket.h"
#include "admin/ask_server.h"
#include "admin/command_line.h"
#include "admin/first_start.h"
#include "admin/operations.h"
#include "admin/perform.h"
#include "admin/private_directory.h"
#include "admin/setup.h"
#include "admin/terminal.h"
#include "base/log_rules.h"
#include "net/workers.h"
#include "router/server_settings.h"
#include "serve.h"
#include "settings/printable.h"

namespace jackdaw {
namespace {

constexpr int done = 0, refused = 1, wrong_usage = 2;
constexpr auto start_patience =
    std::chrono::seconds(10);  // a server that starts holds the store before it can be asked

int refuse(const std::string& why) {
  std::cerr << "jackdaw: " << printable(why, 2000) << '\n';
  return refused;
}

OperationContext context_of_tables() {
  static const SettingTable settings = all_settings();
  return {.settings = &settings, .modules = &every_module(), .operations = &all_operations()};
}

Task<void> keep_result(Task<OperationResult> task, OperationResult& out) { out = co_await std::move(task); }

// An operation on the first core of a server in this process.
OperationResult run_here(RunningServer& running, const OperationRequest& request) {
  OperationResult result = Failure{};
  running.run_blocking([&] { return keep_result(perform_request(*running.server().administration, request), result); });
  return result;
}

// On the store itself, as nobody holds its lock.
OperationResult run_on_store(const Invocation& invocation, const OperationRequest& request) {
  ServeOptions options{
      .data_directory = invocation.data_directory, .config_file = invocation.config_file, .listen = false};
  auto running = RunningServer::start(std::move(options));
  if (!running) return running.failure();
  set_log_level(LogLevel::crashes);  // what is done, or why not, is the answer, not a line of the log
  return run_here(**running, request);
}

bool has_store(const std::string& directory) { return std::filesystem::exists(directory + "/jackdaw.db"); }

// Whether a directory is one where an administrator's words may be done; a new store is begun for `setup` alone. A
// server that has just been started may be about to make an empty one its own.
Result<Done> check_data_directory(const std::string& directory, bool may_be_new) {
  const std::string hint = "`jackdaw serve` or `jackdaw setup` makes one, --data names another";
  const auto is_known = [&] { return has_store(directory) || std::filesystem::exists(directory + "/lock"); };
  const auto is_empty = [&] { return std::filesystem::is_empty(directory); };
  if (!std::filesystem::is_directory(directory)) return Failure{directory + ": there is no data directory; " + hint};
  for (int tries = 0; !may_be_new && is_empty() && tries < 10; ++tries) std::this_thread::sleep_for(100ms);
  if (!is_known() && !may_be_new) return Failure{directory + ": is no data directory; " + hint};
  return prepare_data_directory(directory);
}

// Asks the running server, or takes the store when none runs; waits a while for one that is starting or ending.
OperationResult run_anywhere(const Invocation& invocation, const OperationRequest& request, Needs needs) {
  const std::string& directory = invocation.data_directory;
  const bool may_be_new = request.operation == "setup";
  const auto until = std::chrono::steady_clock::now() + start_patience;
  for (;;) {
    if (auto answer = ask_server(directory, request)) return *answer;
    if (auto good = check_data_directory(directory, may_be_new); !good) return good.failure();
    if (auto became = become_owner_of(directory); !became) return became.failure();
    auto lock = DataLock::take(directory);
    if (!lock) return lock.failure();
    if (*lock && !may_be_new && !has_store(directory))
      return Failure{directory + ": nothing is stored there yet; `jackdaw serve` or `jackdaw setup` begins"};
    if (*lock && needs == Needs::server) return Failure{"no server runs on the data directory " + directory};
    if (*lock) return run_on_store(invocation, request);
    if (std::chrono::steady_clock::now() > until)
      return Failure{directory + ": another process holds the data directory and does not answer"};
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

OperationResult run_without_server(const Invocation& invocation) {
  OperationContext context = context_of_tables();
  OperationResult result = Failure{};
  // It never waits: it is over when spawn() returns.
  spawn(keep_result(perform(context, local_actor(), std::string{invocation.operation->words}, invocation.values),
                    result));
  return result;
}

int print(const Invocation& invocation, const OperationResult& result) {
  if (!result) return refuse(result.failure().what);
  std::cout << (invocation.json ? json_for_programs(*result) : text_of(*result)) << std::flush;
  return std::cout ? done : refuse("the answer cannot be written to standard output");
}

bool is_of_type(const Operation& operation, std::string_view name, ArgumentType type) {
  return std::ranges::any_of(operation.arguments, [&](const OperationArgument& argument) {
    return argument.name == name && argument.type == type;
  });
}

// A word as it is sent: the server has another working directory, and "-" stands for a value that is no word, as a
// secret should be none.
Result<std::string> word_to_send(const Operation& operation, const std::string& name, const std::string& text) {
  if (is_of_type(operation, name, ArgumentType::file) && !text.empty()) return std::filesystem::absolute(text).string();
  if (text != "-" || !is_of_type(operation, name, ArgumentType::value)) return text;
  return has_terminal() ? ask_password("Value: ") : read_password_from_stdin();
}

int do_operation(const Invocation& invocation) {
  const Operation& operation = *invocation.operation;
  if (invocation.needs() == Needs::nothing) return print(invocation, run_without_server(invocation));
  OperationRequest request{std::string{operation.words}, {}};
  for (const auto& [name, texts] : invocation.values.all())
    for (const auto& text : texts) {
      if (flaw_of_text(text) == "not UTF-8") return refuse(name + ": what was given is not UTF-8");
      if (name == "password-stdin") continue;  // said to this process
      auto word = word_to_send(operation, name, text);
      if (!word) return refuse(name + ": " + word.failure().what);
      request.values.add(name, std::move(*word));
    }
  if (!invocation.as.empty()) {
    const auto text =
        has_terminal() ? ask_password("Password of " + printable(invocation.as) + ": ") : read_password_from_stdin();
    if (!text)
      return refuse("--as: " + text.failure().what + "; its first line is to be the password of " + invocation.as);
    request.as = invocation.as;
    request.password = *text;
  }
  if (const OperationArgument* password = password_of(operation)) {
    const bool from_stdin = invocation.values.has("password-stdin");
    if (!from_stdin && !has_terminal()) {
      std::cerr << "jackdaw: there is no terminal to ask for the password; use --password-stdin\n";
      return wrong_usage;
    }
    const auto text = from_stdin ? read_password_from_stdin() : ask_new_password("New password: ");
    if (!text) return refuse(text.failure().what);
    request.values.add(password->name, *text);
  }
  return print(invocation, run_anywhere(invocation, request, operation.needs));
}

int restore(const Invocation& invocation) {
  const std::string& directory = invocation.data_directory;
  const std::string file = std::filesystem::absolute(invocation.values.one("file")).string();
  if (auto prepared = prepare_data_directory(directory); !prepared) return refuse(prepared.failure().what);
  if (auto became = become_owner_of(directory); !became) return refuse(became.failure().what);
  const auto lock = DataLock::take(directory);
  if (!lock) return refuse(lock.failure().what);
  if (!*lock) return refuse(directory + ": a server uses this data directory; end it first");
  if (auto restored = restore_sqlite_store(file, directory); !restored) return refuse(restored.failure().what);
  return print(invocation, OperationAnswer{directory + ": restored from " + file + '\n'});
}

// What setup has to do: asked for, or given as flags.
struct SetupWishes {
  std::vector<std::string> domains;  // empty: as they are
  std::string password;              // empty: as it is
};

Result<SetupWishes> ask_for_setup(const Invocation& invocation, const std::vector<std::string>& now) {
  SetupWishes wishes;
  std::string text = invocation.values.one("domain");
  const bool asks = has_terminal() && !invocation.values.has("password-stdin");
  if (text.empty() && asks) {
    auto line = ask_line("Domains, separated by commas [" +
                         (now.empty() ? "localhost" : fmt::format("{}", fmt::join(now, ", "))) + "]: ");
    if (!line) return line.failure();
    text = *line;
  }
  if (!text.empty()) {
    auto domains = domains_from_text(text);
    if (!domains) return domains.failure();
    wishes.domains = *domains;
  }
  auto password =
      !asks ? Result<std::string>{std::string{}} : ask_password("The administrator's password (empty: as it is): ");
  if (password && asks && !password->empty()) {
    const auto again = ask_password("The same again: ");
    if (!again || *again != *password) return Failure{"the two passwords differ"};
  }
  if (invocation.values.has("password-stdin")) password = read_password_from_stdin();
  if (!password) return password.failure();
  wishes.password = *password;
  return wishes;
}

// `domain`: empty for the first one that is served.
int set_up_administrator(const Invocation& invocation, const std::string& domain, const std::string& password) {
  OperationRequest request{"setup", {}};
  if (!domain.empty()) request.values.add("domain", domain);
  request.values.add("password", password);
  const auto made = run_anywhere(invocation, request, Needs::store);
  return made ? done : refuse(made.failure().what);
}

// The domains that are served, or would be; none where nothing is stored yet.
std::vector<std::string> served_domains(const Invocation& invocation) {
  std::vector<std::string> names;
  if (!has_store(invocation.data_directory)) return names;
  const auto listed = run_anywhere(invocation, {"domain list", {}}, Needs::store);
  if (listed && listed->table)
    for (const auto& row : listed->table->rows) names.push_back(std::get<std::string>(row.front()));
  return names;
}

// Whether the server that runs, or the next one, takes the settings file as it is now.
Result<Done> try_settings(const Invocation& invocation) {
  const OperationRequest reload{"reload", {}};
  auto told = ask_server(invocation.data_directory, reload);
  if (!told && has_store(invocation.data_directory)) told = run_anywhere(invocation, {"domain list", {}}, Needs::store);
  if (told && !*told) return told->failure();
  return Done{};
}

void tell_of_lost_domains(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  for (const auto& name : before)
    if (std::ranges::find(after, name) == after.end())
      std::cerr << "jackdaw: " << name << ": is served no longer; its accounts, if it has any, are kept\n";
}

int setup(Invocation invocation) {
  const std::string& directory = invocation.data_directory;
  if (!has_terminal() && !invocation.values.has("password-stdin") && !invocation.values.has("domain")) {
    std::cerr << "jackdaw: there is no terminal to ask on; use --domain and --password-stdin\n";
    return wrong_usage;
  }
  if (auto prepared = prepare_data_directory(directory); !prepared) return refuse(prepared.failure().what);
  const std::string file = invocation.config_file.empty() ? directory + "/jackdaw.toml" : invocation.config_file;
  const SettingTable& table = *context_of_tables().settings;
  const auto now = domains_of_file(table, file);
  if (!now) return refuse(now.failure().what);
  const auto wishes = ask_for_setup(invocation, *now);
  if (!wishes) return refuse(wishes.failure().what);
  const auto before = wishes->domains.empty() ? std::vector<std::string>{} : served_domains(invocation);
  const auto written = write_settings_file(table, file, wishes->domains);
  if (!written) return refuse(written.failure().what);
  if (const auto good = try_settings(invocation); !good) {
    const auto undone = put_back(*written);
    return refuse(undone ? good.failure().what : undone.failure().what);
  }
  if (!before.empty()) tell_of_lost_domains(before, served_domains(invocation));
  if (wishes->password.empty()) return done;
  return set_up_administrator(invocation, wishes->domains.empty() ? std::string{} : wishes->domains.front(),
                              wishes->password);
}

// The signals that main waits for; blocked before there are other threads, so that all of them inherit it.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void wait_for_the_end(RunningServer& running, const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) return;
    if (const auto reloaded = running.reload(); !reloaded)
      Log{"SERVER"}.failure("the settings are wrong; everything stays as it was", {{"why", reloaded.failure().what}});
  }
}

void print_addresses(const RunningServer& running) {
  for (const auto& each : running.listening())
    std::cout << "Listening on " << each.address << (each.mode == TlsMode::starttls ? " (STARTTLS)\n" : " (TLS)\n");
}

Task<void> keep_administrator(OperationContext& context, Result<NewAdministrator>& out) {
  out = co_await administrator_of_first_start(context);
}

Task<void> open_socket(std::unique_ptr<AdminSocket>& socket, RunningServer& running, int descriptor) {
  Server& server = running.server();
  socket = std::make_unique<AdminSocket>(server.shards.front()->core(), descriptor,
                                         admin_socket_file(server.data_directory), server.administration);
  co_return;
}

Task<void> close_socket(std::unique_ptr<AdminSocket>& socket) {
  socket.reset();
  co_return;
}

int serve_until_signal(RunningServer& running, const Invocation& invocation, const std::string& program,
                       const sigset_t& signals) {
  OperationContext& context = *running.server().administration;
  // Before an account is made whose password would be lost without it.
  const auto descriptor = open_admin_socket(invocation.data_directory);
  if (!descriptor) return refuse(descriptor.failure().what);
  Result<NewAdministrator> administrator = Failure{};
  running.run_blocking([&] { return keep_administrator(context, administrator); });
  if (!administrator) return refuse(administrator.failure().what);
  print_addresses(running);  // before anybody can ask for a reload, which may change them
  std::unique_ptr<AdminSocket> socket;
  running.run_blocking([&] { return open_socket(socket, running, *descriptor); });
  if (!administrator->jid.empty())
    std::cout << first_start_text(*administrator, {program, invocation.data_directory, invocation.config_file});
  std::cout << std::flush;
  wait_for_the_end(running, signals);
  running.run_blocking([&] { return close_socket(socket); });
  return done;
}

int serve(const Invocation& invocation, const std::string& program) {
  const sigset_t signals = block_signals();
  const std::string& directory = invocation.data_directory;
  if (auto prepared = prepare_data_directory(directory); !prepared) return refuse(prepared.failure().what);
  if (auto became = become_owner_of(directory); !became) return refuse(became.failure().what);
  const auto lock = DataLock::take(directory);
  if (!lock) return refuse(lock.failure().what);
  if (!*lock) return refuse(directory + ": another server uses this data directory");
  ServeOptions options{.data_directory = directory,
                       .config_file = invocation.config_file,
                       .command_line = invocation.values.many("set"),
                       .keeps_log = true};
  auto running = RunningServer::start(std::move(options));
  if (!running) return refuse(running.failure().what);
  const int code = serve_until_signal(**running, invocation, program, signals);
  running->reset();
  close_log();
  return code;
}

int run(const std::string& program, std::vector<std::string> words) {
  const auto parsed = parse_command_line(all_operations(), std::move(words));
  if (const auto* end = std::get_if<CommandLineEnd>(&parsed)) {
    (end->exit_code == 0 ? std::cout : std::cerr) << end->text;
    return end->exit_code;
  }
  const Invocation& invocation = std::get<Invocation>(parsed);
  if (!invocation.as.empty() && (invocation.needs() == Needs::program || invocation.needs() == Needs::nothing)) {
    std::cerr << "jackdaw: --as: `" << invocation.operation->words
              << "` asks no server and is done in nobody's name; leave --as out\n";
    return wrong_usage;
  }
  if (invocation.needs() != Needs::program) return do_operation(invocation);
  if (invocation.operation->words == "serve") return serve(invocation, program);
  if (invocation.operation->words == "setup") return setup(invocation);
  return restore(invocation);
}

}  // namespace
}  // namespace jackdaw

int main(int count, char** words) {
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(0077);
  try {
    return jackdaw::run(words[0], {words + 1, words + count});
  } catch (const std::exception& error) {
    std::cerr << "jackdaw: " << error.what() << '\n';
    return 1;
  }
}
