// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace holdfast {

/// Why a program must not be run: somebody other than root and who runs holdfast could have put
/// something else in its place. None where it may be run.
/// Refused: a path that is not absolute, what is no file, a file or any folder above it (by the
/// written path and by the one that links lead to) that belongs to a third user, or that its group
/// or others may write; but a sticky folder of root, like /tmp, may be written by anybody.
/// Never throws for what it finds.
[[nodiscard]] std::optional<std::string> why_not_run(const std::filesystem::path& program);

}  // namespace holdfast
