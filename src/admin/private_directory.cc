// SPDX-License-Identifier: Apache-2.0
#include "admin/private_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace jackdaw {
namespace {

Failure cannot(const std::string& what, const char* doing) {
  return Failure{fmt::format("{}: {}: {}", what, doing, std::strerror(errno))};
}

bool write_all(int descriptor, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(descriptor, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return ::fsync(descriptor) == 0;
}

std::string parent_of(const std::string& file) {
  const std::string parent = std::filesystem::path(file).parent_path().string();
  return parent.empty() ? "." : parent;
}

// The rights of the file that is there; of a new one, those that the server's user needs in its directory.
void give_rights(int descriptor, const std::string& file) {
  struct stat old{};
  if (::stat(file.c_str(), &old) == 0) {
    if (::fchown(descriptor, old.st_uid, old.st_gid) == 0) ::fchmod(descriptor, old.st_mode & 07777);
    return;
  }
  struct stat directory{};
  if (::stat(parent_of(file).c_str(), &directory) != 0) return;
  // In a directory that is one user's own the file is that user's too, also when root makes it.
  const bool is_private = (directory.st_mode & 077) == 0 && directory.st_uid != ::geteuid();
  if (is_private && ::fchown(descriptor, directory.st_uid, directory.st_gid) != 0) return;
  // A directory like /etc/jackdaw (0750 root jackdaw): its group reads what is in it.
  const bool for_group = directory.st_gid != ::getegid() && (directory.st_mode & S_IXGRP) != 0;
  if (for_group && ::fchown(descriptor, static_cast<uid_t>(-1), directory.st_gid) == 0) ::fchmod(descriptor, 0640);
}

}  // namespace

Result<Done> prepare_data_directory(const std::string& directory) {
  std::error_code error;
  const std::string parent = parent_of(directory);
  std::filesystem::create_directories(parent, error);
  if (error) return Failure{fmt::format("{}: cannot be made: {}", parent, error.message())};
  if (::mkdir(directory.c_str(), 0700) == 0) return Done{};
  if (errno != EEXIST) return cannot(directory, "cannot be made");
  struct stat is{};
  if (::stat(directory.c_str(), &is) != 0) return cannot(directory, "cannot be looked at");
  if (!S_ISDIR(is.st_mode)) return Failure{directory + ": is no directory"};
  if ((is.st_mode & 077) == 0) return Done{};
  if (!std::filesystem::is_empty(directory, error) || error)
    return Failure{
        fmt::format("{0}: other users may enter the data directory (mode {1:04o}); close it with: chmod 0700 {0}",
                    directory, is.st_mode & 07777)};
  if (::chmod(directory.c_str(), 0700) != 0) return cannot(directory, "cannot be closed to other users");
  return Done{};
}

Result<Done> become_owner_of(const std::string& directory) {
  struct stat is{};
  if (::stat(directory.c_str(), &is) != 0) return cannot(directory, "cannot be looked at");
  if (::geteuid() != 0 || is.st_uid == 0) return Done{};
  const passwd* user = ::getpwuid(is.st_uid);
  const int groups = user ? ::initgroups(user->pw_name, is.st_gid) : ::setgroups(0, nullptr);
  if (groups != 0 || ::setresgid(is.st_gid, is.st_gid, is.st_gid) != 0 ||
      ::setresuid(is.st_uid, is.st_uid, is.st_uid) != 0)
    return cannot(directory, "its owner's rights cannot be taken");
  return Done{};
}

Result<std::optional<DataLock>> DataLock::take(const std::string& directory) {
  const std::string file = directory + "/lock";
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return cannot(file, "cannot be opened");
  DataLock lock{descriptor};
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return std::optional{std::move(lock)};
  if (errno == EWOULDBLOCK) return std::optional<DataLock>{};
  return cannot(file, "cannot be locked");
}

DataLock::DataLock(DataLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

DataLock& DataLock::operator=(DataLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

DataLock::~DataLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<Done> write_file_safely(const std::string& file, const std::string& text) {
  const std::string fresh = file + ".new";
  ::unlink(fresh.c_str());
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return cannot(fresh, "cannot be made");
  give_rights(descriptor, file);
  bool written = write_all(descriptor, text);
  written = ::close(descriptor) == 0 && written;
  if (!written || ::rename(fresh.c_str(), file.c_str()) != 0) {
    const Failure why = cannot(file, "cannot be written");
    ::unlink(fresh.c_str());
    return why;
  }
  const int directory = ::open(parent_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return Done{};
}

}  // namespace jackdaw
