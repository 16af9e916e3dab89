// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/mapped_table.h"
#include "storage/sqlite/table_facts.h"

namespace holdfast {

/// Adds a doubt for each trigger of the log that is no guard of Holdfast's. The layout has to be
/// whole but for its doubts. Errors: StorageError(mapping): a trigger that fires when a row goes,
/// or when Holdfast writes its own tables, where the log is WITHOUT ROWID, because SQLite tells
/// nobody which rows of such a table a trigger deletes; one that fires when a row goes where the
/// log has children.
void judge_triggers(const MappedTable& table, LogLayout& layout);

/// What a trigger of a log fires on.
enum class TriggerEvent { row_added, row_changed };

/// Where the log is WITHOUT ROWID: refuses a write that fires a trigger that is no guard.
/// Errors: StorageError(mapping).
void refuse_unwatched_triggers(Connection& connection, const LogLayout& layout, TriggerEvent event);

}  // namespace holdfast
