// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_errors.h"

#include "jobs/archive_store.h"
#include "jobs/job_error.h"
#include "storage/storage_error.h"

#include <nlohmann/json.hpp>

namespace holdfast {
namespace {

std::string token(StorageTrouble trouble) {
  switch (trouble) {
    case StorageTrouble::missing:
      return "database_missing";
    case StorageTrouble::not_a_database:
      return "not_a_database";
    case StorageTrouble::corrupt:
      return "database_corrupt";
    case StorageTrouble::read_only:
      return "database_read_only";
    case StorageTrouble::full:
      return "disk_full";
    case StorageTrouble::busy:
      return "database_busy";
    case StorageTrouble::mapping:
      return "mapping";
    case StorageTrouble::not_set_up:
      return "not_set_up";
    case StorageTrouble::newer_schema:
    case StorageTrouble::older_schema:
      return "schema_version";
    case StorageTrouble::other:
      break;
  }
  return "error";
}

}  // namespace

RunError run_error(const std::exception& error, const std::string& database) {
  if (dynamic_cast<const ArchiveError*>(&error) != nullptr) {
    return {.reason = "archive", .message = error.what()};
  }
  if (const auto* job = dynamic_cast<const JobError*>(&error)) {
    return {.reason = job->status() == ExitStatus::another_run ? "locked" : "error",
            .message = error.what()};
  }
  // What a person writes is checked where it is read, so this is a text of Holdfast's own tables.
  if (dynamic_cast<const nlohmann::json::exception*>(&error) != nullptr) {
    return {.reason = token(StorageTrouble::corrupt),
            .message = database +
                       ": a record or document in Holdfast's own tables cannot be read, so it was "
                       "damaged or changed: \"holdfast verify\" says where; restore a backup, then "
                       "run \"holdfast recover\""};
  }
  const StorageError storage = as_storage_error(error, database);
  return {.reason = token(storage.trouble()), .message = storage.what()};
}

}  // namespace holdfast
