// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_policy_register.h"

#include <limits>

namespace holdfast {
namespace {

constexpr const char* kSelectVersions = R"sql(
SELECT version, in_force_from_ms, digest, document, changed_by, reason, source
FROM holdfast_policy WHERE version >= ?1 ORDER BY version
)sql";

constexpr const char* kAdd = R"sql(
INSERT INTO holdfast_policy (version, in_force_from_ms, digest, document, changed_by, reason,
                             source)
SELECT coalesce(max(version), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6 FROM holdfast_policy
RETURNING version
)sql";

// The values of holdfast_meta have types of their own in SQLite and are text in PostgreSQL.
constexpr RegisterSql kSelectBaseline{R"sql(
SELECT value FROM holdfast_meta WHERE key = 'policy_baseline'
)sql",
                                      R"sql(
SELECT value::bigint FROM holdfast_meta WHERE key = 'policy_baseline'
)sql"};

constexpr const char* kSetBaseline = R"sql(
INSERT INTO holdfast_meta (key, value)
SELECT 'policy_baseline', version FROM holdfast_policy WHERE version = ?1
ON CONFLICT (key) DO UPDATE SET value = excluded.value
)sql";

StoredPolicy read_policy(const RegisterQuery& row) {
  return {.version = row.integer(0),
          .in_force_from = row.instant(1),
          .digest = row.text(2),
          .document = row.text(3),
          .changed_by = row.text(4),
          .reason = row.text(5),
          .source = row.text(6)};
}

}  // namespace

std::vector<StoredPolicy> SqlPolicyRegister::versions() {
  std::vector<StoredPolicy> policies;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectVersions);
    rows.with(baseline().value_or(std::numeric_limits<std::int64_t>::min()));
    while (rows.next()) {
      policies.push_back(read_policy(rows));
    }
  }
  return policies;
}

std::int64_t SqlPolicyRegister::add(const StoredPolicy& policy) {
  const std::int64_t version = RegisterQuery(home_, kAdd)
                                   .with(policy.in_force_from,
                                         policy.digest,
                                         policy.document,
                                         policy.changed_by,
                                         policy.reason,
                                         policy.source)
                                   .add_one("adding a policy");
  home_.connection.forget_guarded_terms();
  return version;
}

std::optional<std::int64_t> SqlPolicyRegister::baseline() {
  if (!home_.set_up) {
    return std::nullopt;
  }
  RegisterQuery row(home_, kSelectBaseline);
  return row.with().next() ? std::optional{row.integer(0)} : std::nullopt;
}

void SqlPolicyRegister::set_baseline(std::int64_t version) {
  RegisterQuery(home_, kSetBaseline).with(version).run_one("the baseline of the policy");
}

}  // namespace holdfast
