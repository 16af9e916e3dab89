// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace holdfast {

/// Who may read a new file beside its owner: an auditor of its group (0640), whoever is in the
/// group of its folder (0640, and 0600 where it cannot be given to that group), nobody (0600), or
/// any user, such as the one of a metrics exporter (0644).
enum class Readers { group, group_of_folder, owner, everybody };

/// Puts a file of these bytes in place in one step and synced: a reader sees the old file or the
/// new one, never half of it. A link in its place is replaced, not followed. Errors:
/// JobError(failed); the old file is unchanged then.
void replace_file(const std::filesystem::path& path,
                  const std::string& bytes,
                  Readers readers = Readers::group);

/// Writes a file that must not be there yet, of these readers whatever the umask says, and synced.
/// A link is something that is there. Errors: JobError(failed).
void write_fresh_file(const std::filesystem::path& path,
                      const std::string& bytes,
                      Readers readers = Readers::group);

/// Makes the folder where it is missing, 0750; its parent has to be there. Errors:
/// JobError(failed).
void require_folder(const std::filesystem::path& folder);

/// Syncs the names in a folder. Errors: JobError(failed).
void sync_folder(const std::filesystem::path& folder);

}  // namespace holdfast
