// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "policy/instant.h"

#include <tl/expected.hpp>

namespace holdfast {

/// A configuration file larger than this is a mistake, 8 MiB.
inline constexpr std::size_t kLargestConfigBytes = std::size_t{8} << 20;

/// A whole file as it was at one moment.
struct FileBytes {
  std::string bytes;
  std::string owner;  ///< user name, or the number where there is none
  Instant modified_at;
};

/// Why a file could not be read.
struct FileFault {
  bool missing = false;
  std::string sentence;  ///< "is a directory", "cannot be read: Permission denied"
};

/// Reads a regular file of at most kLargestConfigBytes; owner and time belong to the bytes that
/// were read, even where the file is replaced meanwhile. Errors: a fault without the file's name.
[[nodiscard]] tl::expected<FileBytes, FileFault> read_file_bytes(const std::filesystem::path& path);

}  // namespace holdfast
