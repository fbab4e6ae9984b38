// SPDX-License-Identifier: Apache-2.0
#include "admin/first_start.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "admin/private_directory.h"

namespace jackdaw {
namespace {

// Whether what is printed is kept by systemd's journal (systemd.exec(5), JOURNAL_STREAM).
bool prints_into_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat out{};
  if (stream == nullptr || fstat(STDOUT_FILENO, &out) != 0) return false;
  return std::to_string(out.st_dev) + ':' + std::to_string(out.st_ino) == stream;
}

// The password, or where it is kept.
std::string shown_password(const std::string& password, const std::string& directory) {
  const std::string file = directory + "/first-password";
  if (!prints_into_journal()) return password + "   (shown this once)";
  if (write_file_safely(file, password + '\n')) return "in " + file + " (read it, then delete it)";
  return "not kept, as " + file + " cannot be written; give a new one with `jackdaw user passwd`";
}

std::string shell_word(const std::string& word) {
  static constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == word.npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return quoted + "'";
}

}  // namespace

std::string first_start_text(const NewAdministrator& made, const ProgramPlaces& places) {
  const std::string program = shell_word(places.program);
  std::string data = " --data " + shell_word(places.data_directory);
  if (!places.config_file.empty()) data += " --config " + shell_word(places.config_file);
  return fmt::format(
      "\nAdministrator: {}\nPassword:      {}\n\n"
      "To add a user:          {} user add NAME@{}{}\n"
      "To open it to the world: {} serve{} --set 'listen.client=*:5222'\n\n",
      made.jid, shown_password(made.password, places.data_directory), program, made.jid.substr(made.jid.find('@') + 1),
      data, program, data);
}

}  // namespace jackdaw
