// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/archived_row.h"
#include "jobs/erasure_keys.h"
#include "policy/row_facts.h"
#include "storage/database.h"

namespace holdfast {

/// Whether a row is about somebody whose erasure was completed. `unknown`: people of its tenant
/// were erased, and which ones no key says any more.
enum class ErasureVerdict { none, unknown, erased };

/// The people whose erasure was completed, as far as the tenants' keys still tell who they are.
class ErasedPersons {
 public:
  /// Reads the register and the keys once. Null `keys` counts as missing ones. Errors: JobError
  /// where a key is there and cannot be used.
  ErasedPersons(Database& database, ErasureKeys* keys);

  /// The same person who came back after their erasure counts as erased: rows do not say which life
  /// they are of.
  [[nodiscard]] ErasureVerdict of_row(const RowFacts& row, const PersonColumns& columns) const;

 private:
  struct Tenant {
    std::set<std::string> tokens;  // of completed requests
    std::vector<std::string> keys;
    bool key_gone = false;  // forgotten or missing: not all tokens can be told

    [[nodiscard]] ErasureVerdict of(std::string_view person) const;
  };

  std::map<std::string, Tenant, std::less<>> tenants_;  // those with completed requests
};

}  // namespace holdfast
