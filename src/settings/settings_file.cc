// SPDX-License-Identifier: Apache-2.0
#include "settings/settings_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "settings/printable.h"

namespace jackdaw {
namespace {

constexpr off_t most_bytes = 16 * 1024 * 1024;

Result<std::optional<std::string>> read_open(const std::string& file, int descriptor) {
  struct stat is{};
  if (::fstat(descriptor, &is) != 0) return Failure{printable(file) + ": cannot be read: " + std::strerror(errno)};
  if (!S_ISREG(is.st_mode)) return Failure{printable(file) + ": is no regular file"};
  if (is.st_size > most_bytes) return Failure{printable(file) + ": is over 16 MiB, which no settings need"};
  std::string text(static_cast<std::size_t>(is.st_size), '\0');
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = ::read(descriptor, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failure{printable(file) + ": cannot be read: " + std::strerror(errno)};
    if (n == 0) break;  // it has become shorter
    at += static_cast<std::size_t>(n);
  }
  text.resize(at);
  return std::optional{std::move(text)};
}

}  // namespace

Result<std::optional<std::string>> read_settings_file(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 && errno == ENOENT) return std::optional<std::string>{};
  if (descriptor < 0) return Failure{printable(file) + ": cannot be read: " + std::strerror(errno)};
  auto text = read_open(file, descriptor);
  ::close(descriptor);
  return text;
}

}  // namespace jackdaw
