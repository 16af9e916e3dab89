// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/file_mark.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "storage/still_files.h"

namespace holdfast {
namespace {

// https://www.sqlite.org/fileformat2.html, section 1.3.
constexpr std::size_t kWriteVersion = 18;
constexpr std::size_t kChangeCounter = 24;
constexpr std::size_t kHeaderBytes = 28;
constexpr unsigned char kWriteAheadLog = 2;
constexpr unsigned kByteBits = 8;

bool has_bytes(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  return !error && size > 0;
}

bool is_there(const std::string& path) {
  std::error_code unknown;
  return std::filesystem::exists(path, unknown);
}

using Header = std::array<unsigned char, kHeaderBytes>;

/// The first bytes of database files, through descriptors that are never closed.
class Headers {
 public:
  /// None where the file is too short or may not be read.
  std::optional<Header> read(const std::filesystem::path& file) {
    const FileMark mark = mark_of(file);
    const auto [kept, fresh] = files_.try_emplace({file, mark.number}, -1);
    if (fresh) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX's own interface.
      kept->second = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    }
    Header header{};
    if (kept->second < 0 ||
        ::pread(kept->second, header.data(), header.size(), 0) != ::ssize_t{kHeaderBytes}) {
      return std::nullopt;
    }
    return header;
  }

 private:
  std::map<std::pair<std::filesystem::path, std::uint64_t>, int> files_;
};

/// The files of this process that are read as ones that do not change.
class StillFiles {
 public:
  bool keeps_log(const std::filesystem::path& file) {
    const std::lock_guard lock{mutex_};
    const auto header = headers_.read(file);
    return header && header->at(kWriteVersion) == kWriteAheadLog;
  }

  void add(const std::filesystem::path& path, const FileMark& mark) {
    const std::lock_guard lock{mutex_};
    std::error_code unknown;
    const auto changes = changes_of(std::filesystem::canonical(path, unknown));
    marks_.insert_or_assign(path, Remembered{.mark = mark, .changes = changes});
  }

  std::optional<std::string> changed() {
    const std::lock_guard lock{mutex_};
    for (const auto& [path, remembered] : marks_) {
      std::error_code gone;  // whoever has it open reads on in what it was
      const std::filesystem::path file = std::filesystem::canonical(path, gone);
      if (!gone && (mark_of(file) != remembered.mark || changes_of(file) != remembered.changes)) {
        return path.string();
      }
    }
    return std::nullopt;
  }

 private:
  struct Remembered {
    FileMark mark;
    std::uint32_t changes = 0;
  };

  std::uint32_t changes_of(const std::filesystem::path& file) {
    const auto header = headers_.read(file);
    std::uint32_t changes = 0;
    for (std::size_t i = kChangeCounter; header && i < kHeaderBytes; ++i) {
      changes = (changes << kByteBits) | header->at(i);
    }
    return changes;
  }

  std::mutex mutex_;
  Headers headers_;
  std::map<std::filesystem::path, Remembered> marks_;
};

StillFiles& still_files() {
  static StillFiles files;
  return files;
}

}  // namespace

FileMark mark_of(const std::filesystem::path& file) {
  FileMark mark{
      .log = is_there(file.string() + "-wal"),
      .shared_memory = is_there(file.string() + "-shm"),
      .waiting = has_bytes(file.string() + "-wal") || has_bytes(file.string() + "-journal")};
  struct ::stat facts {};
  if (::stat(file.c_str(), &facts) == 0) {
    mark.found = true;
    mark.number = facts.st_ino;
    mark.size = facts.st_size;
    mark.modified_s = facts.st_mtim.tv_sec;
    mark.modified_ns = facts.st_mtim.tv_nsec;
  }
  return mark;
}

bool keeps_write_ahead_log(const std::filesystem::path& file) {
  return still_files().keeps_log(file);
}

void remember_still_file(const std::filesystem::path& path, const FileMark& mark) {
  still_files().add(path, mark);
}

std::optional<StorageError> changed_still_file() {
  const auto path = still_files().changed();
  if (!path) {
    return std::nullopt;
  }
  return StorageError(StorageTrouble::busy,
                      *path +
                          ": somebody wrote to it while it was read as a file that does not change "
                          "(you may not write to it), so what was read says nothing: try again, or "
                          "run as a user who may write to it");
}

void require_still_files() {
  const auto changed = changed_still_file();
  if (changed) {
    throw StorageError(*changed);
  }
}

}  // namespace holdfast
