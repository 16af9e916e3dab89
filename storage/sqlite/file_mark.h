// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace holdfast {

/// What tells that somebody has written to a database file, or is about to. Looking at it opens no
/// file: closing one takes every lock away that SQLite has on it in this process.
struct FileMark {
  bool found = false;
  std::uint64_t number = 0;  ///< of the file in its file system
  std::int64_t size = 0;
  std::int64_t modified_s = 0;
  std::int64_t modified_ns = 0;
  bool log = false;            ///< a -wal file is there
  bool shared_memory = false;  ///< a -shm file is there
  bool waiting = false;        ///< there are bytes in a -wal or -journal file

  friend bool operator==(const FileMark&, const FileMark&) = default;
};

/// The mark of a file as it is now; `file` without symbolic links.
[[nodiscard]] FileMark mark_of(const std::filesystem::path& file);

/// True where the header says that the database keeps a write-ahead log. The file stays open until
/// the process ends, so that no lock is lost.
[[nodiscard]] bool keeps_write_ahead_log(const std::filesystem::path& file);

/// Has changed_still_file() compare the file with this mark, and with the change counter of its
/// header, from now on until the process ends.
void remember_still_file(const std::filesystem::path& path, const FileMark& mark);

}  // namespace holdfast
