// SPDX-License-Identifier: Apache-2.0
#include "jobs/erased_persons.h"

#include <algorithm>

namespace holdfast {
namespace {

constexpr std::string_view kOwnActor = "holdfast";  // nobody's data, so no request has it

}  // namespace

ErasedPersons::ErasedPersons(Database& database, ErasureKeys* keys) {
  for (const ErasureRequest& request : database.erasures().all()) {
    if (request.state == ErasureState::completed) {
      tenants_[request.tenant.value_or(std::string{})].tokens.insert(request.subject);
    }
  }
  for (const ErasureKeyLine& line : database.erasures().keys()) {
    const auto tenant = tenants_.find(line.tenant.value_or(std::string{}));
    if (tenant == tenants_.end()) {
      continue;
    }
    auto key = line.forgotten_at || keys == nullptr ? std::nullopt : keys->read(line);
    if (key) {
      tenant->second.keys.push_back(*std::move(key));
    } else {
      tenant->second.key_gone = true;
    }
  }
  for (auto& [name, tenant] : tenants_) {
    tenant.key_gone = tenant.key_gone || tenant.keys.empty();
  }
}

ErasureVerdict ErasedPersons::Tenant::of(std::string_view person) const {
  const std::string name{person};
  if (name.empty() || name == kOwnActor || is_erasure_token(name)) {
    return ErasureVerdict::none;
  }
  if (std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
        return tokens.contains(erasure_token(key, name));
      })) {
    return ErasureVerdict::erased;
  }
  return key_gone ? ErasureVerdict::unknown : ErasureVerdict::none;
}

ErasureVerdict ErasedPersons::of_row(const RowFacts& row, const PersonColumns& columns) const {
  ErasureVerdict verdict = ErasureVerdict::none;
  for (const auto& [name, tenant] : tenants_) {
    // Rows that do not say whose they are may be any tenant's.
    if (columns.tenant && name != row.tenant.value_or(std::string_view{})) {
      continue;
    }
    verdict = std::max({verdict,
                        columns.persons ? ErasureVerdict::none : ErasureVerdict::unknown,
                        tenant.of(row.actor.value_or(std::string_view{})),
                        tenant.of(row.subject.value_or(std::string_view{}))});
  }
  return verdict;
}

}  // namespace holdfast
