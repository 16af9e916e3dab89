// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/fault_vfs.h"

#include <filesystem>
#include <memory>
#include <new>
#include <stdexcept>
#include <string_view>

#include <sqlite3.h>

#include "tests/faults/faulty_disk.h"

namespace holdfast::testing {
namespace {

using Tracked = std::shared_ptr<FaultyDisk::File>;

FaultyDisk& disk() {
  return FaultyDisk::the();
}

/// What SQLite allocates for a file: this, and behind it the file of the real VFS.
struct ShimFile {
  sqlite3_file base;
  sqlite3_file* real;
  Tracked* tracked;  // null: a file for temporary data, which no power cut is asked about
  bool syncs_names;  // a new journal or log: its first sync is one of the folder, too
};

ShimFile& shim(sqlite3_file* file) {
  return *reinterpret_cast<ShimFile*>(file);
}

sqlite3_file* real(sqlite3_file* file) {
  return shim(file).real;
}

sqlite3_vfs* real(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

FaultyDisk::File* tracked(sqlite3_file* file) {
  return shim(file).tracked == nullptr ? nullptr : shim(file).tracked->get();
}

bool refused(Act act) {
  return disk().pass(act) != Verdict::go_on;
}

int close_file(sqlite3_file* file) {
  const int result = real(file)->pMethods->xClose(real(file));
  delete shim(file).tracked;
  shim(file).tracked = nullptr;
  return result;
}

int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  if (refused(Act::read)) {
    return SQLITE_IOERR_READ;
  }
  return real(file)->pMethods->xRead(real(file), into, size, offset);
}

int write_part(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  const int result = real(file)->pMethods->xWrite(real(file), from, size, offset);
  if (result == SQLITE_OK && tracked(file) != nullptr) {
    disk().wrote(*tracked(file),
                 offset,
                 std::string_view{static_cast<const char*>(from), static_cast<std::size_t>(size)});
  }
  return result;
}

int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  switch (disk().pass(Act::write)) {
    case Verdict::go_on:
      return write_part(file, from, size, offset);
    case Verdict::half:
      (void)write_part(file, from, size / 2, offset);
      break;
    case Verdict::refuse:
      if (disk().power_lost()) {
        (void)write_part(file, from, size, offset);  // under way: some of it may have come through
      }
      break;
  }
  return disk().armed() == FaultKind::full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (refused(Act::truncate)) {
    return SQLITE_IOERR_TRUNCATE;
  }
  const int result = real(file)->pMethods->xTruncate(real(file), size);
  if (result == SQLITE_OK && tracked(file) != nullptr) {
    disk().cut(*tracked(file), size);
  }
  return result;
}

/// Nothing is really synced: what would be there after a power cut is known without.
int sync_file(sqlite3_file* file, int /*flags*/) {
  if (refused(Act::sync)) {
    return SQLITE_IOERR_FSYNC;
  }
  if (tracked(file) != nullptr) {
    disk().synced(*tracked(file));
    if (shim(file).syncs_names) {
      disk().names_synced(tracked(file)->path.parent_path());
      shim(file).syncs_names = false;
    }
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  if (refused(Act::look)) {
    return SQLITE_IOERR_FSTAT;
  }
  return real(file)->pMethods->xFileSize(real(file), size);
}

int lock_file(sqlite3_file* file, int level) {
  if (refused(Act::lock)) {
    return disk().power_lost() ? SQLITE_IOERR_LOCK : SQLITE_BUSY;
  }
  return real(file)->pMethods->xLock(real(file), level);
}

int unlock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}

int check_reserved_lock(sqlite3_file* file, int* taken) {
  if (refused(Act::lock)) {
    return SQLITE_IOERR_CHECKRESERVEDLOCK;
  }
  return real(file)->pMethods->xCheckReservedLock(real(file), taken);
}

int file_control(sqlite3_file* file, int what, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), what, argument);
}

int sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}

int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

int map_shared(sqlite3_file* file, int page, int size, int extend, void volatile** at) {
  if (refused(Act::open)) {
    return disk().power_lost() ? SQLITE_IOERR_SHMMAP : SQLITE_CANTOPEN;
  }
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, at);
}

int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  const bool takes = (static_cast<unsigned>(flags) & SQLITE_SHM_LOCK) != 0;
  if (takes && refused(Act::lock)) {
    return disk().power_lost() ? SQLITE_IOERR_SHMLOCK : SQLITE_BUSY;
  }
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

void barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}

int unmap_shared(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

// Version 2: without memory maps, so that every read and write comes by.
constexpr sqlite3_io_methods kMethods = {.iVersion = 2,
                                         .xClose = close_file,
                                         .xRead = read_file,
                                         .xWrite = write_file,
                                         .xTruncate = truncate_file,
                                         .xSync = sync_file,
                                         .xFileSize = file_size,
                                         .xLock = lock_file,
                                         .xUnlock = unlock_file,
                                         .xCheckReservedLock = check_reserved_lock,
                                         .xFileControl = file_control,
                                         .xSectorSize = sector_size,
                                         .xDeviceCharacteristics = characteristics,
                                         .xShmMap = map_shared,
                                         .xShmLock = lock_shared,
                                         .xShmBarrier = barrier,
                                         .xShmUnmap = unmap_shared,
                                         .xFetch = nullptr,
                                         .xUnfetch = nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* given) {
  new (file) ShimFile{};
  if (refused(Act::open)) {
    return SQLITE_CANTOPEN;
  }
  auto* const inner =
      reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(ShimFile));
  const int result = real(vfs)->xOpen(real(vfs), name, inner, flags, given);
  if (result != SQLITE_OK) {
    return result;
  }
  constexpr unsigned kWithNames =
      SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  constexpr unsigned kDeletesItself = SQLITE_OPEN_DELETEONCLOSE;
  const auto wanted = static_cast<unsigned>(flags);
  ShimFile& opened = shim(file);
  opened.real = inner;
  opened.syncs_names = (wanted & kWithNames) != 0 && (wanted & SQLITE_OPEN_CREATE) != 0;
  if (name != nullptr && (wanted & kDeletesItself) == 0) {
    opened.tracked = new Tracked{disk().opened(name)};
  }
  opened.base.pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_names) {
  if (refused(Act::remove)) {
    return SQLITE_IOERR_DELETE;
  }
  // So that a power cut can bring it back.
  if (std::filesystem::exists(name)) {
    (void)disk().opened(name);
  }
  const int result = real(vfs)->xDelete(real(vfs), name, 0);
  if (result == SQLITE_OK) {
    disk().removed(name);
    if (sync_names != 0) {
      disk().names_synced(std::filesystem::path{name}.parent_path());
    }
  }
  return result;
}

int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* answer) {
  if (refused(Act::look)) {
    return SQLITE_IOERR_ACCESS;
  }
  return real(vfs)->xAccess(real(vfs), name, flags, answer);
}

int full_name(sqlite3_vfs* vfs, const char* name, int size, char* into) {
  return real(vfs)->xFullPathname(real(vfs), name, size, into);
}

int do_not_sleep(sqlite3_vfs* /*vfs*/, int microseconds) {
  return microseconds;
}

sqlite3_vfs shim_over(sqlite3_vfs* below) {
  sqlite3_vfs vfs = *below;
  vfs.pNext = nullptr;
  vfs.zName = "faults";
  vfs.pAppData = below;
  vfs.szOsFile = static_cast<int>(sizeof(ShimFile)) + below->szOsFile;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_name;
  vfs.xSleep = do_not_sleep;
  return vfs;
}

}  // namespace

void use_fault_vfs() {
  static sqlite3_vfs vfs = [] {
    (void)sqlite3_initialize();
    sqlite3_vfs* const below = sqlite3_vfs_find(nullptr);
    if (below == nullptr) {
      throw std::runtime_error("SQLite has no VFS of its own");
    }
    return shim_over(below);
  }();
  (void)sqlite3_vfs_register(&vfs, 1);
}

}  // namespace holdfast::testing
