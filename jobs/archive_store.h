// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/job_error.h"

namespace holdfast {

/// An archive that cannot be written, read or believed: which file, what is wrong, what to do.
class ArchiveError : public JobError {
 public:
  explicit ArchiveError(const std::string& message) : JobError(ExitStatus::failed, message) {}
};

/// One open file of the archive's folder. Every call throws ArchiveError where the system refuses.
class ArchiveFile {
 public:
  ArchiveFile() = default;
  ArchiveFile(const ArchiveFile&) = delete;
  ArchiveFile& operator=(const ArchiveFile&) = delete;
  ArchiveFile(ArchiveFile&&) = delete;
  ArchiveFile& operator=(ArchiveFile&&) = delete;
  virtual ~ArchiveFile() = default;

  /// In bytes.
  [[nodiscard]] virtual std::int64_t size() = 0;
  /// Adds bytes at the end.
  virtual void append(std::string_view bytes) = 0;
  /// At most `most` bytes from `offset` on; fewer only at the end of the file.
  [[nodiscard]] virtual std::string read(std::int64_t offset, std::int64_t most) = 0;
  /// Cuts everything behind `bytes` off.
  virtual void truncate(std::int64_t bytes) = 0;
  /// Returns when what was written is on the disk.
  virtual void sync() = 0;
  /// Errors: ArchiveError where its name is gone or is another file's by now, or it has a second
  /// name: nobody would find it there.
  virtual void require_in_place() = 0;
};

/// What an archive is opened for.
enum class ArchiveUse { reading, changing };

/// The folder of the archives. Names are those of files in it, without a folder.
class ArchiveStore {
 public:
  ArchiveStore() = default;
  ArchiveStore(const ArchiveStore&) = delete;
  ArchiveStore& operator=(const ArchiveStore&) = delete;
  ArchiveStore(ArchiveStore&&) = delete;
  ArchiveStore& operator=(ArchiveStore&&) = delete;
  virtual ~ArchiveStore() = default;

  /// As it is written in messages.
  [[nodiscard]] virtual std::string folder() const = 0;
  /// Why no archive can be written now, as a sentence without its end; empty where one can. Finds
  /// out by writing a small file and removing it again.
  [[nodiscard]] virtual std::string fault() = 0;
  /// Every file of the folder, sorted. Errors: ArchiveError where it cannot be read.
  [[nodiscard]] virtual std::vector<std::string> names() = 0;
  /// Null where there is no such file. Never follows a link. Errors: ArchiveError.
  [[nodiscard]] virtual std::unique_ptr<ArchiveFile> open(const std::string& name,
                                                          ArchiveUse use) = 0;
  /// A new file that only its owner may read. Errors: ArchiveError, also where it is there already.
  [[nodiscard]] virtual std::unique_ptr<ArchiveFile> create(const std::string& name) = 0;
  /// Puts a file with these bytes in the place of what is there: whoever looks sees the old one or
  /// the new one whole, after a power cut too. Errors: ArchiveError.
  virtual void replace(const std::string& name, std::string_view bytes) = 0;
  /// Returns false where there is no such file. Errors: ArchiveError.
  virtual bool remove(const std::string& name) = 0;
  /// Returns when the names of the folder are on the disk.
  virtual void sync() = 0;
};

}  // namespace holdfast
