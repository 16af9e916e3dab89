// SPDX-License-Identifier: Apache-2.0
#include "jobs/tenant_keys.h"

#include <algorithm>
#include <array>

#include "jobs/digest.h"
#include "jobs/job_error.h"

namespace holdfast {
namespace {

constexpr std::size_t kKeyBytes = 32;

std::string key_name(const ErasureKeyLine& line) {
  const std::string tenant = line.tenant.value_or(std::string{});
  return tenant.empty() ? "the key of the empty tenant" : "the key of tenant \"" + tenant + "\"";
}

std::string require_key(ErasureKeys& keys, const ErasureKeyLine& line) {
  auto key = keys.read(line);
  if (!key) {
    throw JobError(ExitStatus::failed,
                   key_name(line) + " (key " + std::to_string(line.id) +
                       " of the register) is missing from the key folder: put its file back from a "
                       "backup, or \"holdfast erasure forget-key\" it; a second key would cut "
                       "earlier tokens loose, so none is made");
  }
  return *std::move(key);
}

bool covers_tenant(const HoldScope& scope, const ErasureKeyLine& line) {
  const std::string tenant = line.tenant.value_or(std::string{});
  return scope.tenants.empty() ||
         std::find(scope.tenants.begin(), scope.tenants.end(), tenant) != scope.tenants.end();
}

}  // namespace

std::optional<ErasureKeyLine> key_line_of(ErasureRegister& erasures,
                                          const std::optional<std::string>& tenant) {
  std::optional<ErasureKeyLine> newest;
  for (ErasureKeyLine& line : erasures.keys()) {
    if (!line.forgotten_at &&
        line.tenant.value_or(std::string{}) == tenant.value_or(std::string{})) {
      newest = std::move(line);
    }
  }
  return newest;
}

std::optional<std::string> token_of(Database& database, ErasureKeys& keys, const Subject& subject) {
  const auto line = key_line_of(database.erasures(), subject.tenant);
  if (!line) {
    return std::nullopt;
  }
  return erasure_token(require_key(keys, *line), subject.person);
}

std::string token_of_or_new_key(Database& database,
                                ErasureKeys& keys,
                                const Subject& subject,
                                Instant now) {
  if (auto token = token_of(database, keys, subject)) {
    return *std::move(token);
  }
  const std::string key = random_bytes(kKeyBytes);
  ErasureKeyLine line{.tenant = subject.tenant, .made_at = now, .check = key_check(key)};
  line.id = database.erasures().add_key(line);
  // Before the commit that needs it: a crash in between leaves a file that nothing refers to.
  keys.write(line, key);
  return erasure_token(key, subject.person);
}

void add_tokens(Database& database, ErasureKeys& keys, HoldScope& scope) {
  const std::array<std::vector<std::string>*, 3> lists = {
      &scope.persons, &scope.actors, &scope.subjects};
  for (const ErasureKeyLine& line : database.erasures().keys()) {
    if (line.forgotten_at || !covers_tenant(scope, line)) {
      continue;
    }
    const std::string key = require_key(keys, line);
    for (std::vector<std::string>* names : lists) {
      const std::vector<std::string> typed = *names;
      for (const std::string& name : typed) {
        std::string token = erasure_token(key, name);
        const auto erased = database.erasures().find_newest({line.tenant, token});
        if (erased && std::find(names->begin(), names->end(), token) == names->end()) {
          names->push_back(std::move(token));
        }
      }
    }
  }
}

}  // namespace holdfast
