// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Something that does not hold, and where.
struct VerifyProblem {
  std::string part;    ///< "chain", "witness", "ledger", "archive", "database", "backup"
  std::string reason;  ///< a token: "record_edited", "run_missing", "row_is_back"
  std::string message;
};

/// What was looked at and found, part by part, in the order of the checks.
struct VerifyFindings {
  nlohmann::json checked = nlohmann::json::object();  ///< part to its figures
  std::vector<VerifyProblem> problems;
  std::vector<std::string> notes;  ///< what could not be checked, and why
};

/// What to verify beside chain, ledger and database.
struct VerifyWishes {
  std::int64_t since = 1;      ///< rows that vanished before this run are taken as known
  Database* backup = nullptr;  ///< a copy from before some runs: their digests are recomputed
};

/// Recomputes the chain of runs from the stored records, compares it with the witness file, records
/// with slices, slices with the archives and the log, and says what does not hold. Reads only.
/// Errors: StorageError.
[[nodiscard]] VerifyFindings verify_everything(const Desk& desk, const VerifyWishes& wishes);

/// {ok, problem, problems, checked, notes}: what `verify --json` prints.
[[nodiscard]] nlohmann::json findings_json(const VerifyFindings& findings);

}  // namespace holdfast
