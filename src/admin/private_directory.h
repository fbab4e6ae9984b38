// The data directory: private to the server's user, and owned by whoever holds its lock.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "base/result.h"

namespace jackdaw {

// Makes it with mode 0700, parents too, or checks what is there: an empty one is closed to others; one with files in
// it that others may enter is refused. Blocks.
Result<Done> prepare_data_directory(const std::string& directory);

// Run by root on a directory of another user: goes on as that user, for good, so that no file of root's appears there.
Result<Done> become_owner_of(const std::string& directory);

// Held while a process uses the store in the directory; gone with the process at the latest.
class DataLock {
 public:
  // Empty when another process holds it.
  static Result<std::optional<DataLock>> take(const std::string& directory);
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&& other) noexcept;
  ~DataLock();

 private:
  explicit DataLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Replaces `file` in one step, keeping its owner and mode, or leaves it as it is; a new one has mode 0600, or 0640
// where the directory belongs to another group (/etc/jackdaw). Blocks until it is on disk.
Result<Done> write_file_safely(const std::string& file, const std::string& text);

}  // namespace jackdaw
