// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_plan_store.h"

#include <algorithm>

#include "storage/registers/integer_keys.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kInsertPlan = R"sql(
INSERT INTO holdfast_plan (digest, saved_at_ms, as_of_ms, policy_digest, hold_digest, rows_planned,
                           figures, keys)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
RETURNING id
)sql";

constexpr const char* kSelectByDigest = R"sql(
SELECT id FROM holdfast_plan WHERE digest = ?1
)sql";

// substr() instead of LIKE: what somebody typed is no pattern.
constexpr const char* kSelectByPrefix = R"sql(
SELECT id, digest, saved_at_ms, as_of_ms, policy_digest, hold_digest, rows_planned, figures
FROM holdfast_plan WHERE substr(digest, 1, length(?1)) = ?1 ORDER BY id DESC
)sql";

constexpr const char* kInsertKey = R"sql(
INSERT INTO holdfast_plan_key (plan_id, seq, key) VALUES (?1, ?2, ?3)
)sql";

constexpr const char* kSelectBitmap = R"sql(
SELECT keys FROM holdfast_plan WHERE id = ?1
)sql";

constexpr const char* kSelectKeys = R"sql(
SELECT key FROM holdfast_plan_key WHERE plan_id = ?1 ORDER BY seq
)sql";

constexpr const char* kApprove = R"sql(
INSERT INTO holdfast_approval (plan_id, approved_by, approved_at_ms, last_used_at_ms)
VALUES (?1, ?2, ?3, ?3)
RETURNING id
)sql";

constexpr const char* kSelectOpenApproval = R"sql(
SELECT plan.id, plan.digest, plan.saved_at_ms, plan.as_of_ms, plan.policy_digest, plan.hold_digest,
       plan.rows_planned, plan.figures, approval.id, approval.approved_by,
       approval.approved_at_ms, approval.last_used_at_ms
FROM holdfast_approval AS approval JOIN holdfast_plan AS plan ON plan.id = approval.plan_id
WHERE approval.spent_at_ms IS NULL AND approval.id = (SELECT max(id) FROM holdfast_approval)
)sql";

constexpr const char* kSelectApprovals = R"sql(
SELECT coalesce(plan.id, 0), coalesce(plan.digest, ''), coalesce(plan.saved_at_ms, 0),
       coalesce(plan.as_of_ms, 0), coalesce(plan.policy_digest, ''),
       coalesce(plan.hold_digest, ''), coalesce(plan.rows_planned, 0), '', approval.id,
       approval.approved_by, approval.approved_at_ms, approval.last_used_at_ms,
       CASE WHEN approval.spent_at_ms IS NOT NULL THEN 1 ELSE 0 END
FROM holdfast_approval AS approval LEFT JOIN holdfast_plan AS plan ON plan.id = approval.plan_id
ORDER BY approval.id
)sql";

constexpr const char* kUse = R"sql(
UPDATE holdfast_approval SET last_used_at_ms = ?2 WHERE id = ?1 AND spent_at_ms IS NULL
)sql";

constexpr const char* kSpend = R"sql(
UPDATE holdfast_approval SET spent_at_ms = ?2 WHERE id = ?1 AND spent_at_ms IS NULL
)sql";

constexpr std::size_t kBatch = 4096;

SavedPlan read_plan(const RegisterQuery& row) {
  return {.id = row.integer(0),
          .digest = row.text(1),
          .saved_at = row.instant(2),
          .as_of = row.instant(3),
          .policy_digest = row.text(4),
          .hold_digest = row.text(5),
          .rows = row.integer(6),
          .figures = row.text(7)};
}

bool all_integers(const std::vector<RowKey>& keys) {
  return std::all_of(keys.begin(), keys.end(), [](const RowKey& key) { return key.is_integer(); });
}

/// The keys as one bitmap, none where one of them is not an integer.
std::optional<std::string> to_bitmap(KeySet& keys) {
  IntegerKeySet integers;
  keys.rewind();
  for (auto batch = keys.next(kBatch); !batch.empty(); batch = keys.next(kBatch)) {
    if (!all_integers(batch)) {
      return std::nullopt;
    }
    for (const RowKey& key : batch) {
      integers.add(key);
    }
  }
  return integers.encode();
}

}  // namespace

std::int64_t SqlPlanStore::save(const SavedPlan& plan, KeySet& keys) {
  RegisterQuery known(home_, kSelectByDigest);
  if (known.with(plan.digest).next()) {
    return known.integer(0);
  }
  known.reset();
  const auto savepoint = home_.connection.savepoint();
  const std::optional<std::string> bitmap = to_bitmap(keys);
  const std::int64_t id = RegisterQuery(home_, kInsertPlan)
                              .with(plan.digest,
                                    plan.saved_at,
                                    plan.as_of,
                                    plan.policy_digest,
                                    plan.hold_digest,
                                    plan.rows,
                                    plan.figures,
                                    bitmap ? StoredView{BlobView{*bitmap}} : StoredView{})
                              .add_one("saving a plan");
  if (!bitmap) {
    save_key_lines(id, keys);
  }
  savepoint->release();
  keys.rewind();
  return id;
}

void SqlPlanStore::save_key_lines(std::int64_t plan, KeySet& keys) {
  RegisterQuery insert(home_, kInsertKey);
  std::int64_t seq = 0;
  keys.rewind();
  for (auto batch = keys.next(kBatch); !batch.empty(); batch = keys.next(kBatch)) {
    for (const RowKey& key : batch) {
      const std::string bytes = key.bytes();
      insert.with(plan, ++seq, BlobView{bytes}).run_one("saving the keys of a plan");
    }
  }
}

std::vector<SavedPlan> SqlPlanStore::find(const std::string& prefix) {
  std::vector<SavedPlan> plans;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectByPrefix);
    rows.with(prefix);
    while (rows.next()) {
      plans.push_back(read_plan(rows));
    }
  }
  return plans;
}

std::unique_ptr<KeySet> SqlPlanStore::keys(std::int64_t plan) {
  RegisterQuery row(home_, kSelectBitmap);
  if (!row.with(plan).next()) {
    throw StorageError(StorageTrouble::other,
                       home_.connection.path() + ": there is no plan " + std::to_string(plan));
  }
  if (!row.is_null(0)) {
    return std::make_unique<IntegerKeySet>(row.bytes(0));
  }
  auto keys = home_.connection.any_key_set();
  RegisterQuery lines(home_, kSelectKeys, RegisterRows::many);
  lines.with(plan);
  while (lines.next()) {
    keys->add(key_from(lines.bytes(0)));
  }
  return keys;
}

std::int64_t SqlPlanStore::approve(std::int64_t plan, const std::string& who, Instant at) {
  return RegisterQuery(home_, kApprove).with(plan, who, at).add_one("approving a plan");
}

std::vector<Approval> SqlPlanStore::approvals() {
  std::vector<Approval> all;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectApprovals);
    rows.with();
    while (rows.next()) {
      all.push_back({.id = rows.integer(8),
                     .plan = read_plan(rows),
                     .approved_by = rows.text(9),
                     .approved_at = rows.instant(10),
                     .last_used_at = rows.instant(11),
                     .spent = rows.integer(12) != 0});
    }
  }
  return all;
}

std::optional<Approval> SqlPlanStore::open_approval() {
  if (!home_.set_up) {
    return std::nullopt;
  }
  RegisterQuery row(home_, kSelectOpenApproval);
  if (!row.with().next()) {
    return std::nullopt;
  }
  return Approval{.id = row.integer(8),
                  .plan = read_plan(row),
                  .approved_by = row.text(9),
                  .approved_at = row.instant(10),
                  .last_used_at = row.instant(11)};
}

void SqlPlanStore::use(std::int64_t approval, Instant at) {
  RegisterQuery(home_, kUse).with(approval, at).run_one("using an approval");
}

void SqlPlanStore::spend(std::int64_t approval, Instant at) {
  RegisterQuery(home_, kSpend).with(approval, at).run_one("spending an approval");
}

}  // namespace holdfast
