// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace holdfast {

/// What kind of trouble the storage has: it decides the exit status and what to do about it.
enum class StorageTrouble {
  missing,         ///< no such database
  not_a_database,  ///< another kind of file, or an encrypted one
  corrupt,
  read_only,
  full,
  busy,
  mapping,       ///< the table or a column is not what [events] says
  not_set_up,    ///< Holdfast's own tables are missing
  newer_schema,  ///< made by a newer Holdfast
  older_schema,
  other
};

/// A failure of the storage. The message names the file, what failed, and what to do.
class StorageError : public std::runtime_error {
 public:
  StorageError(StorageTrouble trouble, const std::string& message)
      : std::runtime_error(message), trouble_(trouble) {}
  [[nodiscard]] StorageTrouble trouble() const { return trouble_; }

 private:
  StorageTrouble trouble_;
};

/// Any exception that came out of the storage as a StorageError with one clear sentence; `database`
/// is the path that the sentence names. An exception that is none of ours keeps its message.
[[nodiscard]] StorageError as_storage_error(const std::exception& error,
                                            const std::string& database);

}  // namespace holdfast
