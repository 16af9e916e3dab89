// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "jobs/erasure_keys.h"
#include "jobs/settings.h"

namespace holdfast {

/// The folder that the settings name for the tenants' keys, or "<database>.keys" beside the
/// database as it really lies, whatever links lead to it.
[[nodiscard]] std::filesystem::path key_folder(const Settings& settings);

/// Keys as files of 32 bytes, "key-<id>-<first 12 hex digits of the check>", in one folder.
/// Folder and files have to belong to the user who runs the program; the folder may be written by
/// nobody else, a file neither read nor written. A link is never followed.
class KeyFiles : public ErasureKeys {
 public:
  /// Nothing is looked at or made before it is needed.
  explicit KeyFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::optional<std::string> read(const ErasureKeyLine& line) override;
  /// Makes the folder (0700, in a folder that is there) and the file (0600). A crash on the way
  /// leaves a file that no line of the register names, because its check is in its name.
  void write(const ErasureKeyLine& line, const std::string& key) override;
  /// Whatever a backup, a snapshot or a copying file system still has of the file is not reached. A
  /// file with another key than the line's is left alone: JobError. One that an earlier attempt has
  /// overwritten already is removed.
  [[nodiscard]] bool destroy(const ErasureKeyLine& line) override;

 private:
  [[nodiscard]] std::filesystem::path file_of(const ErasureKeyLine& line) const;

  std::filesystem::path folder_;
};

}  // namespace holdfast
