// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/sqlite/guard_objects.h"
#include "storage/sqlite/log_layout.h"

namespace holdfast {

/// A view without rows: a row that is put in is let through, or stops the statement with a message.
/// The guards of the log ask it, so that they are small themselves and cost little per row where
/// the pass is set.
inline constexpr const char* kGuardQuestion = "holdfast_guard_row";

/// The key of the row as a person types it, in the way of RowKey::display(); NULL where that needs
/// more than SQL.
[[nodiscard]] std::string guard_key_text(const LogLayout& layout);

/// Adds the view and its trigger.
void add_guard_question(const LogLayout& layout, std::vector<GuardObject>& guards);

}  // namespace holdfast
