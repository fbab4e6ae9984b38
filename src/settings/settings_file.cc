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

constexpr std::size_t most_bytes = 16 * 1024 * 1024;

Result<std::optional<std::string>> read_open(const std::string& file, int descriptor) {
  struct stat is{};
  if (::fstat(descriptor, &is) != 0) return Failure{printable(file) + ": cannot be read: " + std::strerror(errno)};
  if (!S_ISREG(is.st_mode)) return Failure{printable(file) + ": is no regular file"};
  std::string text;
  for (char piece[65536];;) {
    const ssize_t n = ::read(descriptor, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failure{printable(file) + ": cannot be read: " + std::strerror(errno)};
    if (n == 0) return std::optional{std::move(text)};
    text.append(piece, static_cast<std::size_t>(n));
    if (text.size() > most_bytes) return Failure{printable(file) + ": is over 16 MiB, which no settings need"};
  }
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
