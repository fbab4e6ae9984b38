// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/fault_vfs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <new>

#include "base/check.h"

namespace jackdaw {
namespace {

constexpr std::int64_t sector = 512;

// What SQLite holds of an open file; the real one's lies behind it.
struct FaultFile {
  sqlite3_file head;
  FaultVfs* disk;
  sqlite3_file* real;
  std::string* path;  // null: a temporary file, which no power cut concerns
};

FaultFile& of(sqlite3_file* file) { return *reinterpret_cast<FaultFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return of(file).real; }
sqlite3_vfs* real_vfs() { return sqlite3_vfs_find("unix"); }
FaultVfs& disk_of(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }

// Keeps the sectors from `begin` to `end` as they were at the last sync. The caller holds the disk's mutex.
int remember(FaultFile& file, std::int64_t begin, std::int64_t end) {
  UnsyncedFile& unsynced = file.disk->file(*file.path);
  if (!unsynced.touched) {
    sqlite3_int64 size = 0;
    if (const int code = file.real->pMethods->xFileSize(file.real, &size); code != SQLITE_OK) return code;
    unsynced = {.synced_size = size, .touched = true};
  }
  for (std::int64_t number = begin / sector; number * sector < end; ++number) {
    if (unsynced.sectors.contains(number)) continue;
    const std::int64_t there = std::clamp(unsynced.synced_size - number * sector, std::int64_t{0}, sector);
    std::string bytes(static_cast<std::size_t>(there), '\0');
    if (there > 0) {
      const int code = file.real->pMethods->xRead(file.real, bytes.data(), static_cast<int>(there), number * sector);
      if (code != SQLITE_OK) return code;
    }
    unsynced.sectors.emplace(number, std::move(bytes));
  }
  return SQLITE_OK;
}

int vfs_close(sqlite3_file* file) {
  FaultFile& own = of(file);
  const int code = own.real->pMethods->xClose(own.real);
  delete own.path;
  return code;
}

int vfs_read(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
  if (const int code = of(file).disk->before_other(); code != SQLITE_OK) return code;
  return real(file)->pMethods->xRead(real(file), to, amount, offset);
}

int vfs_write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  FaultFile& own = of(file);
  const int failing = own.disk->before_change();
  // The write in which the power fails may have reached the disk in part: it is done, and then left to chance.
  if (failing != SQLITE_OK && failing != SQLITE_IOERR_WRITE) return failing;
  std::lock_guard lock(own.disk->mutex());
  if (own.path) {
    if (const int code = remember(own, offset, offset + amount); code != SQLITE_OK) return code;
  }
  const int code = own.real->pMethods->xWrite(own.real, from, amount, offset);
  return failing != SQLITE_OK ? failing : code;
}

int vfs_truncate(sqlite3_file* file, sqlite3_int64 size) {
  FaultFile& own = of(file);
  if (const int code = own.disk->before_change(); code != SQLITE_OK) return code;
  std::lock_guard lock(own.disk->mutex());
  if (own.path) {
    sqlite3_int64 old = 0;
    own.real->pMethods->xFileSize(own.real, &old);
    if (const int code = remember(own, size, old); code != SQLITE_OK) return code;
  }
  return own.real->pMethods->xTruncate(own.real, size);
}

int vfs_sync(sqlite3_file* file, int) {
  FaultFile& own = of(file);
  if (const int code = own.disk->before_change(); code != SQLITE_OK) return code;
  std::lock_guard lock(own.disk->mutex());
  if (own.path) own.disk->file(*own.path) = {};
  return SQLITE_OK;
}

int vfs_file_size(sqlite3_file* file, sqlite3_int64* size) {
  if (const int code = of(file).disk->before_other(); code != SQLITE_OK) return code;
  return real(file)->pMethods->xFileSize(real(file), size);
}

int vfs_lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int vfs_unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int vfs_check_reserved_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int vfs_file_control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int vfs_sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int vfs_device_characteristics(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }

// The shared memory is gone with the power: the first connection after it makes it anew from the log.
int vfs_shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  if (const int code = of(file).disk->before_other(); code != SQLITE_OK) return code;
  return real(file)->pMethods->xShmMap(real(file), region, size, extend, memory);
}
int vfs_shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void vfs_shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int vfs_shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

const sqlite3_io_methods methods{2,  // no memory mapping of the database itself: writes would not be seen
                                 vfs_close,
                                 vfs_read,
                                 vfs_write,
                                 vfs_truncate,
                                 vfs_sync,
                                 vfs_file_size,
                                 vfs_lock,
                                 vfs_unlock,
                                 vfs_check_reserved_lock,
                                 vfs_file_control,
                                 vfs_sector_size,
                                 vfs_device_characteristics,
                                 vfs_shm_map,
                                 vfs_shm_lock,
                                 vfs_shm_barrier,
                                 vfs_shm_unmap,
                                 nullptr,
                                 nullptr};

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  FaultFile& own = of(file);
  own.head.pMethods = nullptr;  // unless it is set below, there is nothing to close
  if (const int code = disk_of(vfs).before_other(); code != SQLITE_OK) return code;
  own.disk = &disk_of(vfs);
  own.real = reinterpret_cast<sqlite3_file*>(&own + 1);
  const int code = real_vfs()->xOpen(real_vfs(), name, own.real, flags, out_flags);
  if (code != SQLITE_OK) return code;
  own.path = name ? new std::string{name} : nullptr;
  own.head.pMethods = &methods;
  return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  if (const int code = disk_of(vfs).before_change(); code != SQLITE_OK) return code;
  {
    std::lock_guard lock(disk_of(vfs).mutex());
    disk_of(vfs).forget(name);
  }
  return real_vfs()->xDelete(real_vfs(), name, sync_directory);
}

}  // namespace

FaultVfs::FaultVfs(std::string name, std::uint64_t seed)
    : name_(std::move(name)), vfs_(new sqlite3_vfs(*real_vfs())), chance_(seed) {
  vfs_->zName = name_.c_str();
  vfs_->szOsFile = static_cast<int>(sizeof(FaultFile)) + real_vfs()->szOsFile;
  vfs_->pNext = nullptr;
  vfs_->pAppData = this;
  vfs_->xOpen = vfs_open;
  vfs_->xDelete = vfs_delete;
  // The others get the real one, whose own pAppData they need.
  vfs_->xAccess = [](sqlite3_vfs*, const char* file, int flags, int* found) {
    return real_vfs()->xAccess(real_vfs(), file, flags, found);
  };
  vfs_->xFullPathname = [](sqlite3_vfs*, const char* file, int size, char* full) {
    return real_vfs()->xFullPathname(real_vfs(), file, size, full);
  };
  check(sqlite3_vfs_register(vfs_.get(), 0) == SQLITE_OK, "the test's disk could not be registered");
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(vfs_.get()); }

void FaultVfs::cut_power_after(std::int64_t calls) {
  std::lock_guard lock(mutex_);
  calls_left_ = calls;
}

int FaultVfs::before_change() {
  if (!powered_) return SQLITE_IOERR;
  if (failing_ != 0) return failing_;
  std::lock_guard lock(mutex_);
  if (calls_left_ <= 0 || --calls_left_ > 0) return SQLITE_OK;
  powered_ = false;
  return SQLITE_IOERR_WRITE;
}

int FaultVfs::before_other() const { return powered_ ? SQLITE_OK : SQLITE_IOERR; }

UnsyncedFile& FaultVfs::file(const std::string& path) { return files_[path]; }
void FaultVfs::forget(const std::string& path) { files_.erase(path); }

void FaultVfs::lose(const std::string& path, const UnsyncedFile& unsynced) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;  // deleted
  struct stat now{};
  check(::fstat(descriptor, &now) == 0, "the test's file has no size");
  // Some disks lose all, some nothing, most something.
  const auto mood = chance_() % 4;
  for (const auto& [number, old] : unsynced.sectors) {
    const auto fate = mood == 0 ? 0 : mood == 1 ? 1 : chance_() % 3;
    std::string bytes = old;
    bytes.resize(static_cast<std::size_t>(sector), '\0');
    // 0: lost; 1: kept; 2: torn, the first part is the new one.
    const std::int64_t from = fate == 0 ? 0 : fate == 1 ? sector : static_cast<std::int64_t>(chance_() % sector);
    const auto count = static_cast<std::size_t>(sector - from);
    const auto done = ::pwrite(descriptor, bytes.data() + from, count, number * sector + from);
    check(done == static_cast<ssize_t>(count), "the test's file cannot be written");
  }
  const std::int64_t sizes[]{unsynced.synced_size, now.st_size};
  check(::ftruncate(descriptor, sizes[mood < 2 ? mood : chance_() % 2]) == 0, "the test's file cannot be cut");
  ::close(descriptor);
}

void FaultVfs::reboot() {
  std::lock_guard lock(mutex_);
  for (const auto& [path, unsynced] : files_) {
    if (unsynced.touched) lose(path, unsynced);
  }
  files_.clear();
  calls_left_ = 0;
  powered_ = true;
}

}  // namespace jackdaw
