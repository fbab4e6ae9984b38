// SPDX-License-Identifier: Apache-2.0
#include "admin/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <string_view>

namespace jackdaw {
namespace {

constexpr std::size_t longest_line = 4096;

// Typing is not shown while it lives.
class Hidden {
 public:
  Hidden() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0;
  }
  Hidden(const Hidden&) = delete;
  ~Hidden() {
    if (!changed_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::cerr << '\n';
  }
  bool ok() const { return changed_; }

 private:
  termios before_{};
  bool changed_ = false;
};

// Byte by byte: what stands behind the line is left to whoever reads next.
Result<std::string> read_line() {
  std::string line;
  for (;;) {
    char c = 0;
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || (n == 0 && line.empty())) return Failure{"standard input has ended"};
    if (n == 0 || c == '\n') break;
    if (line.size() == longest_line) return Failure{"the line is too long"};
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

bool has_terminal() { return ::isatty(STDIN_FILENO) == 1; }

Result<std::string> ask_line(const std::string& question) {
  std::cerr << question << std::flush;
  auto line = read_line();
  if (!line) return line;
  const auto first = line->find_first_not_of(" \t"), last = line->find_last_not_of(" \t");
  return first == line->npos ? std::string{} : line->substr(first, last - first + 1);
}

Result<std::string> ask_password(const std::string& question) {
  std::cerr << question << std::flush;
  const Hidden hidden;
  if (!hidden.ok()) return Failure{"the terminal cannot hide a password; use --password-stdin"};
  return read_line();
}

Result<std::string> ask_new_password(const std::string& question) {
  auto password = ask_password(question);
  if (!password) return password;
  if (password->empty()) return Failure{"an empty password is none"};
  const auto again = ask_password("The same again: ");
  if (!again) return again;
  if (*again != *password) return Failure{"the two passwords differ"};
  return password;
}

Result<std::string> read_password_from_stdin() {
  auto line = read_line();
  if (line && line->empty()) return Failure{"the password on standard input is empty"};
  return line;
}

}  // namespace jackdaw
