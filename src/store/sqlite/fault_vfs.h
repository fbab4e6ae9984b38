// FaultVfs: a disk for tests, between SQLite and the real one. It can be full, fail, or lose its power.
//
// It remembers what each file was at its last sync. A power cut makes every call fail until reboot(); that throws away
// what was not synced: each sector of 512 bytes written since then is kept, lost or torn by chance, and so is a change
// of the file's size. Making and deleting a file counts as durable at once, as a journaling file system with a
// directory sync does it (SQLite syncs the directory itself). Syncs do not reach the real disk: its power stays on.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

namespace jackdaw {

// One file's unsynced changes.
struct UnsyncedFile {
  std::int64_t synced_size = 0;
  std::map<std::int64_t, std::string> sectors;  // by number: the bytes at the last sync, shorter at the file's end
  bool touched = false;                         // synced_size and sectors hold something
};

// Any thread.
class FaultVfs {
 public:
  // Registers itself under `name`. No connection may be open at its end.
  explicit FaultVfs(std::string name, std::uint64_t seed = 1);
  FaultVfs(const FaultVfs&) = delete;
  ~FaultVfs();
  const std::string& name() const { return name_; }

  // Every write, sync, truncation and deletion answers this SQLite code instead of being done; 0: they work.
  void fail_writes(int code) { failing_ = code; }
  // The power fails at the n-th write, sync, truncation or deletion from now.
  void cut_power_after(std::int64_t calls);
  bool powered() const { return powered_; }
  // Cuts the power if it is still on, then applies the loss and goes on. No connection may be open.
  void reboot();

  // For the calls of SQLite, in fault_vfs.cc: 0, or the error to answer.
  int before_change();
  int before_other() const;
  UnsyncedFile& file(const std::string& path);
  void forget(const std::string& path);
  std::mutex& mutex() { return mutex_; }

 private:
  void lose(const std::string& path, const UnsyncedFile& unsynced);

  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  std::atomic<int> failing_{0};
  std::atomic<bool> powered_{true};
  std::mutex mutex_;  // guards what follows
  std::int64_t calls_left_ = 0;
  std::mt19937_64 chance_;
  std::map<std::string, UnsyncedFile> files_;
};

}  // namespace jackdaw
