// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace holdfast {

/// Why a program must not be run: its path is not absolute, it is no file, or why_not_trust() says
/// that others could have put something else in its place. None where it may be run.
/// Never throws for what it finds.
[[nodiscard]] std::optional<std::string> why_not_run(const std::filesystem::path& program);

}  // namespace holdfast
