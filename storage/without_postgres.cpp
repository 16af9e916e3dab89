// SPDX-License-Identifier: Apache-2.0
// What stands in for storage/postgres/ where the program is built without it.
#include "storage/database.h"
#include "storage/database_survey.h"

namespace holdfast {

#ifndef HOLDFAST_POSTGRES
namespace {

[[noreturn]] void refuse() {
  throw StorageError(StorageTrouble::other,
                     "[database].url: this program was built without PostgreSQL: use one that was "
                     "built with libpq");
}

}  // namespace

std::unique_ptr<Database> open_postgres(const OpenOptions& /*options*/) {
  refuse();
}

InitReport init_postgres(const OpenOptions& /*options*/,
                         const std::string& /*identity*/,
                         Instant /*now*/,
                         Guards /*guards*/) {
  refuse();
}

InitReport remove_postgres(const OpenOptions& /*options*/) {
  refuse();
}

std::unique_ptr<DatabaseSurvey> survey_postgres(const std::string& /*url*/) {
  refuse();
}

std::optional<std::string> postgres_url_problem(const std::string& /*url*/) {
  return std::nullopt;
}

std::string postgres_label(const std::string& /*url*/) {
  return "postgresql";
}
#endif

}  // namespace holdfast
