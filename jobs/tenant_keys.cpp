// SPDX-License-Identifier: Apache-2.0
#include "jobs/tenant_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "jobs/digest.h"
#include "jobs/job_error.h"

namespace holdfast {
namespace {

constexpr std::size_t kKeyBytes = 32;

std::string key_name(const ErasureKeyLine& line) {
  const std::string tenant = line.tenant.value_or(std::string{});
  return tenant.empty() ? "the key of the empty tenant" : "the key of tenant \"" + tenant + "\"";
}

/// Names the key first.
std::string gone_sentence(const ErasureKeyLine& line) {
  return key_name(line) + " (key " + std::to_string(line.id) +
         " of the register) is missing from the key folder: put its file back from a backup, or "
         "\"holdfast erasure forget-key\" it; a second key would cut earlier tokens loose, so none "
         "is made";
}

std::string require_key(ErasureKeys& keys, const ErasureKeyLine& line) {
  auto key = keys.read(line);
  if (!key) {
    throw JobError(ExitStatus::failed, gone_sentence(line));
  }
  return *std::move(key);
}

/// Empty where the key can be used.
std::string fault_of(ErasureKeys& keys, const ErasureKeyLine& line) {
  try {
    return keys.read(line) ? std::string{} : gone_sentence(line);
  } catch (const JobError& error) {
    return error.what();
  }
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

std::vector<std::string> add_tokens(Database& database, ErasureKeys& keys, HoldScope& scope) {
  std::vector<std::string> unreached;
  const std::array<std::vector<std::string>*, 3> lists = {
      &scope.persons, &scope.actors, &scope.subjects};
  for (const ErasureKeyLine& line : database.erasures().keys()) {
    if (line.forgotten_at || !covers_tenant(scope, line)) {
      continue;
    }
    if (const std::string fault = fault_of(keys, line); !fault.empty()) {
      unreached.push_back("persons who were erased are not looked for among its names: " + fault +
                          "; when it is back, place the hold once more");
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
  return unreached;
}

std::vector<ErasureKeyLine> keys_without_file(Database& database, ErasureKeys& keys) {
  std::vector<ErasureKeyLine> lines = database.erasures().keys();
  std::erase_if(lines, [&](const ErasureKeyLine& line) {
    return line.forgotten_at || keys.read(line).has_value();
  });
  return lines;
}

std::string key_fault(Database& database, ErasureKeys& keys) {
  std::string first;
  std::size_t others = 0;
  for (const ErasureKeyLine& line : database.erasures().keys()) {
    std::string fault = line.forgotten_at ? std::string{} : fault_of(keys, line);
    if (first.empty()) {
      first = std::move(fault);
    } else {
      others += fault.empty() ? 0 : 1;
    }
  }
  return others == 0 ? first : first + " (and " + std::to_string(others) + " others)";
}

}  // namespace holdfast
