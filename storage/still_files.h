// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "storage/storage_error.h"

namespace holdfast {

/// A database that this user may not write, and that nobody has open, is read as a file that does
/// not change. This says, in one sentence, that one of them was written since this process opened
/// it: what was read of it then says nothing. None where all are as they were.
[[nodiscard]] std::optional<StorageError> changed_still_file();

/// Throws what changed_still_file() says.
void require_still_files();

}  // namespace holdfast
