// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/config_sections.h"
#include "jobs/cli/config_values.h"

namespace holdfast {
namespace {

constexpr std::string_view kDays = R"("30 days")";

}  // namespace

void read_safety(ConfigTable section, SafetyPolicy& safety) {
  assign(safety.first_run_needs_approval, section.flag("first_run_needs_approval"));
  assign(safety.max_category_share_ppm, section.share("max_category_share"));
  assign(safety.limit_min_rows, section.count("limit_min_rows"));
  assign(safety.max_bad_time_share_ppm, section.share("max_bad_time_share"));
  assign(safety.hold_release_grace, section.parsed("hold_release_grace", kDays, parse_days));
  assign(safety.policy_shorten_delay, section.parsed("policy_shorten_delay", kDays, parse_days));
  assign(safety.max_clock_step, section.parsed("max_clock_step", kDays, parse_days));
  section.refuse_unknown();
}

void read_run(ConfigTable section, RunBudget& run) {
  assign(run.max_lock, section.parsed("max_lock", R"("50ms")", parse_duration));
  assign(run.max_lock_idle, section.parsed("max_lock_idle", R"("1s")", parse_duration));
  assign(run.max_time, section.parsed("max_time", R"("2h")", parse_duration));
  assign(run.max_rows, section.count("max_rows"));
  assign(run.cache_bytes, section.parsed("cache", R"("48MB")", parse_bytes));
  assign(run.drop_partitions, section.flag("drop_partitions"));
  section.refuse_unknown();
}

}  // namespace holdfast
