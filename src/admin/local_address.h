// LocalAddress: the address of a socket file, also when its path is longer than an address has room for (108 bytes):
// then by way of its directory's descriptor.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

namespace jackdaw {

// Use it for one bind() or connect() while it lives.
class LocalAddress {
 public:
  explicit LocalAddress(const std::string& file) {
    std::string path = file;
    if (path.size() >= sizeof address_.sun_path) {
      const std::filesystem::path whole{file};
      directory_ = ::open(whole.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (directory_ < 0) return;
      path = "/proc/self/fd/" + std::to_string(directory_) + '/' + whole.filename().string();
      if (path.size() >= sizeof address_.sun_path) return;
    }
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
    ok_ = true;
  }
  LocalAddress(const LocalAddress&) = delete;
  ~LocalAddress() {
    if (directory_ >= 0) ::close(directory_);
  }

  // False: errno says why.
  bool ok() const { return ok_; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return sizeof address_; }

 private:
  sockaddr_un address_{};
  int directory_ = -1;
  bool ok_ = false;
};

}  // namespace jackdaw
