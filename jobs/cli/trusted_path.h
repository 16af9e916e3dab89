// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace holdfast {

/// Why a file is not trusted: somebody other than root and who runs holdfast could have changed it,
/// or put something else in its place. None where it is trusted.
/// Refused: the file, or any folder on the way to it, that belongs to a third user, or that its
/// group or others may write; but a sticky folder of root, like /tmp, may be written by anybody.
/// Links are followed one at a time, so that a folder which only holds a link counts too.
/// A relative path begins in the current folder. Never throws for what it finds.
[[nodiscard]] std::optional<std::string> why_not_trust(const std::filesystem::path& file);

}  // namespace holdfast
