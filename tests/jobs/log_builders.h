// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "jobs/run_plan.h"
#include "tests/jobs/job_world.h"

namespace holdfast::testing {

/// Draws audit logs in which every kind of dirt comes up that SQLite lets into a table.
class RandomLogs {
 public:
  /// SQL that fills audit_events with so many rows.
  std::string rows(int count) {
    std::string sql = "BEGIN;";
    for (int i = 0; i < count; ++i) {
      sql +=
          "INSERT INTO audit_events (occurred_at, tenant, code, actor, subject, retain_until) "
          "VALUES (" +
          time() + "," + word() + "," + code() + "," + word() + "," + word() + "," + stamp() + ");";
    }
    // Holes in the keys, as earlier runs leave them.
    return sql + "DELETE FROM audit_events WHERE id % 11 = 3; COMMIT;";
  }

  [[nodiscard]] Chance& chance() { return chance_; }

 private:
  std::string one(const std::vector<const char*>& values) { return chance_.one_of(values); }

  std::string time() {
    if (chance_.one_in(6)) {
      return one({"'soon'",
                  "''",
                  "0",
                  "-1",
                  "1e300",
                  "1.5e12",
                  "x'00'",
                  "9223372036854775807",
                  "'2020-02-02'",
                  "946684799999",
                  "946684800000",
                  "-9223372036854775808",
                  "1795402800001",
                  "4102444800000",
                  "253402300800000",
                  "1582970400000.5"});
    }
    // About the cut-offs of 1 month, 13 months and 10 years, a millisecond off or not.
    const Instant edge = at(chance_.one_of(std::vector<const char*>{"2026-10-21T10:00:00Z",
                                                                    "2025-10-21T10:00:00Z",
                                                                    "2016-11-21T10:00:00Z",
                                                                    "2026-11-23T03:05:00Z",
                                                                    "2020-02-02"}));
    return std::to_string(to_unix_ms(edge) + chance_.between(-1, 1) +
                          86'400'000 * chance_.between(-2, 2) * chance_.between(0, 1));
  }

  std::string code() {
    if (chance_.one_in(6)) {
      return one({"''",
                  "'NO_SUCH_CODE'",
                  "'account_profile_update'",
                  "17",
                  "x'41'",
                  "'a\xFF'",
                  "0.5",
                  "'V1 '"});
    }
    return one({"'ACCOUNT_PROFILE_UPDATE'",
                "'ACCOUNT_MFA_ENROLLED'",
                "'ACCOUNT_SESSION_REVOKED'",
                "'ACCOUNT_PAT_CREATED'",
                "'V1'",
                "'TENANT_SCIM_TOKEN_CREATED'"});
  }

  std::string word() {
    // x'41' reads as "41": two stored values that are one tenant.
    return one(
        {"NULL", "'acme'", "'globex'", "'acme'", "''", "'bob'", "7", "x'41'", "'41'", "'Acme'"});
  }

  std::string stamp() {
    return chance_.one_in(5) ? one({"'never'", "0", "''", "1893456000000", "1577836800000", "x''"})
                             : std::string{"NULL"};
  }

  Chance chance_;
};

/// A plan as text that can be compared: every place and reason, codes, counts and keys.
inline std::string digest_of(RunPlan& plan) {
  std::string text;
  for (const auto* entry : plan.figures.tally.places_in_order()) {
    const auto& [place, counts] = *entry;
    for (const Reason reason : kAllReasons) {
      if (counts[reason] != 0) {
        text += place.tenant.value_or("-") + "/" + place.category + "/" +
                std::string(to_token(reason)) + "=" + std::to_string(counts[reason]) + "\n";
      }
    }
  }
  for (const auto& [code, counts] : plan.figures.tally.codes()) {
    for (const Reason reason : {Reason::expired, Reason::unknown_code}) {
      text +=
          code + "/" + std::string(to_token(reason)) + "=" + std::to_string(counts[reason]) + "\n";
    }
  }
  for (const auto& [id, rows] : plan.figures.kept_by_hold) {
    text += "hold " + std::to_string(id) + "=" + std::to_string(rows) + "\n";
  }
  for (const LimitExcess& excess : plan.figures.over_limit) {
    text += "over " + excess.place.tenant.value_or("-") + "/" + excess.place.category + "=" +
            std::to_string(excess.due) + "/" + std::to_string(excess.rows) + "\n";
  }
  text += "rows " + std::to_string(plan.figures.rows_before) + " bad " +
          std::to_string(plan.figures.bad_times) + " differ " +
          std::to_string(plan.figures.category_mismatches) + "\nkeys";
  plan.keys->rewind();
  for (const RowKey& key : plan.keys->next(1'000'000)) {
    text += " " + key.display();
  }
  return text + "\n";
}

}  // namespace holdfast::testing
