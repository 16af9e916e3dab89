// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/subject_store.h"

namespace holdfast {

/// Where persons are named: names in quotes, the tenant as the word NULL where there is none.
struct PersonSource {
  std::string table;
  std::string person;
  std::string tenant;
};

/// Visits every person that the sources name, each once. Values that read alike are one person:
/// the integer 7 and the text "7"; NULL and the empty text are one tenant.
void visit_subjects(Connection& connection,
                    const std::vector<PersonSource>& sources,
                    const SubjectVisit& visit);

}  // namespace holdfast
