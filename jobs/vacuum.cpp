// SPDX-License-Identifier: Apache-2.0
#include "jobs/vacuum.h"

#include "jobs/job_error.h"
#include "jobs/json_text.h"

namespace holdfast {

using nlohmann::json;

json vacuum_database(const Desk& desk) {
  Database& database = desk.database;
  const auto highest = database.audit_log().highest_key();
  const std::int64_t rows = database.audit_log().count_rows(highest);
  const SpaceReport before = database.space();
  const auto dead = database.give_room_back();
  {
    const auto write = database.begin_write(Durability::full);
    note_in_journal(desk,
                    "vacuum",
                    compact({{"file_bytes", before.file_bytes}, {"free_bytes", before.free_bytes}}),
                    "space was given back");
    write->commit();
  }
  const bool emptied = database.checkpoint_all();
  // Rows that others add meanwhile have higher keys; where keys have no order they may add to it.
  const std::int64_t rows_after = database.audit_log().count_rows(highest);
  if (rows_after < rows) {
    throw JobError(ExitStatus::failed,
                   database.path() + ": " + std::to_string(rows) +
                       " rows were in the log before room was given back and " +
                       std::to_string(rows_after) +
                       " are there now: another program has deleted some; \"holdfast verify\" "
                       "says whether they were Holdfast's to delete");
  }
  const SpaceReport after = database.space();
  const std::string statement = database.vacuum_statement();
  const bool file = statement.empty();
  return {{"rows", rows_after},
          {"statement", file ? json(nullptr) : json(statement)},
          {"rows_not_freed", dead ? json(*dead) : json(nullptr)},
          {"file_bytes_before", before.file_bytes},
          {"file_bytes_after", after.file_bytes},
          {"free_bytes_before", file ? json(before.free_bytes) : json(nullptr)},
          {"free_bytes_after", file ? json(after.free_bytes) : json(nullptr)},
          {"wal_emptied", file ? json(emptied) : json(nullptr)}};
}

}  // namespace holdfast
