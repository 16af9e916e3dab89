// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/webhook_body.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "jobs/json_text.h"
#include "jobs/outcome.h"

namespace holdfast {
namespace {

using nlohmann::json;

struct Advice {
  std::string_view reason;
  std::string_view what_to_do;
};

/// Reasons whose messages are made of figures, paths and clocks, and what helps. All others may
/// quote what a person wrote or what another program said.
constexpr std::array<Advice, 23> kToldInFull = {{
    {"first_run_not_approved",
     R"(look at "holdfast plan --save", then have an administrator type "holdfast approve DIGEST")"},
    {"clock_went_back",
     R"(set the system clock right, or have an administrator type "holdfast approve --clock")"},
    {"clocks_apart", "set the clocks of this machine and of the database's server right"},
    {"bad_time_share", R"([events].time_format is probably wrong: "holdfast check")"},
    {"restored_backup", R"(the database is older than its witness file: "holdfast recover")"},
    {"witness_differs", R"(put the witness file right, or "holdfast recover --new-witness")"},
    {"witness_damaged", R"(put the witness file right, or "holdfast recover --new-witness")"},
    {"witness_missing", R"(put the witness file back, or "holdfast recover --new-witness")"},
    {"witness_of_another_database", R"(set [witness] file right, or "holdfast recover")"},
    {"witness_unreadable", "put owner and mode of the witness file right"},
    {"reconciliation", R"(find out which program deletes or adds rows: "holdfast verify")"},
    {"archive", R"(put [archive] directory right: "holdfast archive list")"},
    {"found_dead", R"("holdfast report" says what it had done; the next run goes on)"},
    {"database_missing", R"("holdfast init", or set [database].path right)"},
    {"not_a_database", "set [database].path right"},
    {"database_corrupt", R"(restore a backup, then "holdfast recover")"},
    {"database_read_only", "put owner and mode of the database and its folder right"},
    {"disk_full", "make room on the disk of the database"},
    {"database_busy", "find out which program holds the database's lock for so long"},
    {"mapping", R"(set [events] right: "holdfast check")"},
    {"not_set_up", R"("holdfast init")"},
    {"schema_version", R"("holdfast init" migrates an older schema; install a newer holdfast)"},
    {"locked", "find out which program holds the run's lock"},
}};

const Advice* advice_for(const std::string& reason) {
  const auto found = std::find_if(kToldInFull.begin(),
                                  kToldInFull.end(),
                                  [&](const Advice& advice) { return advice.reason == reason; });
  return found == kToldInFull.end() ? nullptr : &*found;
}

std::string withheld_message(const std::string& reason) {
  if (reason == "config" || reason == "policy_locked") {
    return "the configuration cannot be used; the log of the run says where";
  }
  if (reason == "erasure") {
    return "an erasure request could not be completed; the log of the run says which";
  }
  return "the run could not be carried out; its log says why";
}

std::string what_to_do(const RunReport& report) {
  const std::string reason = report.error ? report.error->reason : "";
  if (const Advice* advice = advice_for(reason)) {
    return std::string(advice->what_to_do);
  }
  if (reason == "config" || reason == "policy_locked") {
    return R"("holdfast check")";
  }
  if (reason == "erasure") {
    return R"("holdfast erasure list")";
  }
  if (report.outcome == Outcome::limited) {
    return R"(look at "holdfast plan --save", then have an administrator type "holdfast approve DIGEST")";
  }
  if (report.outcome == Outcome::partial || report.outcome == Outcome::interrupted) {
    return "nothing, the next run goes on";
  }
  return report.outcome == Outcome::completed ? "nothing"
                                              : R"("holdfast status", "holdfast report")";
}

}  // namespace

std::string webhook_body(const RunPlace& place, const RunReport& report) {
  json body = {{"event", "holdfast.run"},
               {"outcome", to_token(report.outcome)},
               {"exit_status", static_cast<int>(exit_status(report.outcome))},
               {"run_id", report.run_id == 0 ? json(nullptr) : json(report.run_id)},
               {"began_at", to_rfc3339(report.clock.system_now)},
               {"host", utf8_text(place.host)},
               {"database", utf8_text(place.database)},
               {"reason", nullptr},
               {"message", nullptr},
               {"what_to_do", what_to_do(report)},
               {"run_hash", report.run_hash.empty() ? json(nullptr) : json(report.run_hash)},
               {"version", place.version},
               {"delivery", place.delivery}};
  if (report.error) {
    body["reason"] = utf8_text(report.error->reason);
    body["message"] = utf8_text(advice_for(report.error->reason) == nullptr
                                    ? withheld_message(report.error->reason)
                                    : report.error->message);
  }
  return body.dump();
}

}  // namespace holdfast
