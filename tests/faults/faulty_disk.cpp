// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/faulty_disk.h"

#include <algorithm>
#include <random>

#include "tests/jobs/temp_folder.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512;  // what a disk writes whole

void apply(std::string& bytes, std::int64_t offset, std::string_view part, std::mt19937_64& draw) {
  const auto begin = static_cast<std::size_t>(offset);
  while (bytes.size() < begin) {
    bytes += static_cast<char>(draw());  // nobody has written there: anything may be
  }
  bytes.resize(std::max(bytes.size(), begin + part.size()));
  bytes.replace(begin, part.size(), part);
}

void apply(std::string& bytes, const FaultyDisk::Change& change, std::mt19937_64& draw) {
  if (change.cuts) {
    bytes.resize(static_cast<std::size_t>(change.offset));
  } else {
    apply(bytes, change.offset, change.bytes, draw);
  }
}

/// Sector by sector, each with this chance in 16.
void apply_some(std::string& bytes,
                const FaultyDisk::Change& change,
                std::uint64_t chance,
                std::mt19937_64& draw) {
  if (change.cuts) {
    if (draw() % 16 < chance) {
      apply(bytes, change, draw);
    }
    return;
  }
  std::size_t done = 0;
  while (done < change.bytes.size()) {
    const std::size_t begin = static_cast<std::size_t>(change.offset) + done;
    const std::size_t size = std::min(kSector - begin % kSector, change.bytes.size() - done);
    if (draw() % 16 < chance) {
      apply(bytes,
            static_cast<std::int64_t>(begin),
            std::string_view{change.bytes}.substr(done, size),
            draw);
    }
    done += size;
  }
}

std::string left_of(const FaultyDisk::File& file, Survival survival, std::mt19937_64& draw) {
  std::string bytes = file.synced;
  if (survival == Survival::nothing) {
    return bytes;
  }
  // Few, half, most; or all up to some point, and that one torn.
  constexpr std::uint64_t kAll = 16;
  const std::uint64_t way = draw() % 4;
  const std::uint64_t chance = way == 0 ? 2 : way == 1 ? 8 : 14;
  const std::size_t whole = draw() % (file.since.size() + 1);
  for (std::size_t change = 0; change < file.since.size(); ++change) {
    if (survival == Survival::everything || (way == 3 && change < whole)) {
      apply_some(bytes, file.since[change], kAll, draw);
    } else if (way != 3 || change == whole) {
      apply_some(bytes, file.since[change], chance, draw);
    }
  }
  return bytes;
}

bool strikes(FaultKind kind, Act act) {
  switch (kind) {
    case FaultKind::none:
      return false;
    case FaultKind::read:
      return act == Act::read || act == Act::look;
    case FaultKind::write:
    case FaultKind::torn:
    case FaultKind::full:
      return act == Act::write;
    case FaultKind::sync:
      return act == Act::sync;
    case FaultKind::truncate:
      return act == Act::truncate || act == Act::remove;
    case FaultKind::open:
      return act == Act::open;
    case FaultKind::lock:
      return act == Act::lock;
    case FaultKind::power:
      return true;
  }
  return false;
}

}  // namespace

FaultyDisk& FaultyDisk::the() {
  static FaultyDisk disk;
  return disk;
}

void FaultyDisk::insert(const fs::path& folder) {
  const std::lock_guard guard{mutex_};
  folder_ = folder;
  names_.clear();
  synced_names_.clear();
  first_names_.clear();
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    first_names_.insert(entry.path());
  }
}

void FaultyDisk::arm(const Fault& fault) {
  const std::lock_guard guard{mutex_};
  fault_ = fault;
  passed_.clear();
  met_ = 0;
  elsewhere_ = 0;
  armed_in_ = std::this_thread::get_id();
  struck_ = false;
}

bool FaultyDisk::struck() const {
  const std::lock_guard guard{mutex_};
  return struck_;
}

bool FaultyDisk::power_lost() const {
  const std::lock_guard guard{mutex_};
  return struck_ && fault_.kind == FaultKind::power;
}

std::int64_t FaultyDisk::met(FaultKind kind) const {
  const std::lock_guard guard{mutex_};
  std::int64_t met = 0;
  for (const auto& [act, times] : passed_) {
    met += strikes(kind, act) ? times : 0;
  }
  return met;
}

std::int64_t FaultyDisk::met_elsewhere() const {
  const std::lock_guard guard{mutex_};
  return elsewhere_;
}

FaultKind FaultyDisk::armed() const {
  const std::lock_guard guard{mutex_};
  return fault_.kind;
}

Verdict FaultyDisk::pass(Act act) {
  const std::lock_guard guard{mutex_};
  ++passed_[act];
  elsewhere_ += std::this_thread::get_id() == armed_in_ ? 0 : 1;
  if (!strikes(fault_.kind, act)) {
    return Verdict::go_on;
  }
  const bool lasting = fault_.lasting || fault_.kind == FaultKind::power;
  if (++met_ != fault_.strikes_at && !(lasting && struck_)) {
    return Verdict::go_on;
  }
  struck_ = true;
  const bool half = fault_.kind == FaultKind::torn || fault_.kind == FaultKind::full;
  return half ? Verdict::half : Verdict::refuse;
}

bool FaultyDisk::inside(const fs::path& path) const {
  const auto parted = std::mismatch(folder_.begin(), folder_.end(), path.begin(), path.end());
  return !folder_.empty() && parted.first == folder_.end();
}

std::shared_ptr<FaultyDisk::File> FaultyDisk::opened(const fs::path& path) {
  const std::lock_guard guard{mutex_};
  if (!inside(path)) {
    return nullptr;
  }
  auto& file = names_[path];
  if (!file) {
    file = std::make_shared<File>(File{.path = path, .synced = read_text(path), .since = {}});
    if (first_names_.erase(path) > 0) {
      synced_names_[path] = file;
    }
  }
  return file;
}

void FaultyDisk::wrote(File& file, std::int64_t offset, std::string_view bytes) {
  const std::lock_guard guard{mutex_};
  file.since.push_back({.offset = offset, .bytes = std::string{bytes}});
}

void FaultyDisk::cut(File& file, std::int64_t size) {
  const std::lock_guard guard{mutex_};
  file.since.push_back({.offset = size, .bytes = {}, .cuts = true});
}

void FaultyDisk::synced(File& file) {
  const std::lock_guard guard{mutex_};
  std::mt19937_64 nothing_drawn;
  for (const Change& change : file.since) {
    apply(file.synced, change, nothing_drawn);
  }
  file.since.clear();
}

void FaultyDisk::replaced(const fs::path& path, std::string_view bytes) {
  (void)opened(path);  // so that the old one is known
  const std::lock_guard guard{mutex_};
  names_[path] =
      std::make_shared<File>(File{.path = path, .synced = std::string{bytes}, .since = {}});
}

void FaultyDisk::removed(const fs::path& path) {
  const std::lock_guard guard{mutex_};
  if (inside(path)) {
    names_[path] = nullptr;
  }
}

void FaultyDisk::names_synced(const fs::path& folder) {
  const std::lock_guard guard{mutex_};
  for (const auto& [path, file] : names_) {
    if (path.parent_path() == folder) {
      synced_names_[path] = file;
    }
  }
}

void FaultyDisk::restart(Survival survival, std::uint64_t seed) {
  const std::lock_guard guard{mutex_};
  std::mt19937_64 draw{seed};
  for (const auto& [path, file] : names_) {
    const bool as_seen =
        survival == Survival::everything || (survival == Survival::some && draw() % 2 == 0);
    const auto& left = as_seen ? file : synced_names_[path];
    if (left) {
      write_text(path, left_of(*left, survival, draw));
    } else {
      fs::remove(path);
    }
  }
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().string().ends_with("-shm")) {
      fs::remove(entry.path());
    }
  }
}

}  // namespace holdfast::testing
