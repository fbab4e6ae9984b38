// Passwords that can be read again, for log-in methods that need them: encrypted with a key that is not in the
// database.
//
// AES-256-GCM under the key of the file password.key in the data directory, bound to whose it is. Any thread but a
// core's: reads a file when first used.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"

namespace jackdaw {

class PasswordSafe {
 public:
  explicit PasswordSafe(std::string data_directory) : file_(std::move(data_directory) + "/password.key") {}

  // Failure: the key's file cannot be made or read.
  Result<std::string> seal(const std::string& whose, const std::string& password);
  // None: it is somebody else's, was changed, or is of another key.
  // Failure: the key's file cannot be made or read.
  Result<std::optional<std::string>> open(const std::string& whose, const std::string& sealed);

 private:
  Result<std::string> key();
  std::mutex mutex_;
  const std::string file_;
  std::string key_;
};

}  // namespace jackdaw
