// SPDX-License-Identifier: Apache-2.0
#include "jobs/plan_desk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/partition_runner.h"
#include "jobs/run_report.h"
#include "jobs/server_clock.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kShortestDigest = 8;
constexpr std::int64_t kMicrosPerMilli = 1000;

RunClock clock_for(const Desk& desk,
                   const PolicyState& policy,
                   const PlanRequest& request,
                   json& result) {
  if (request.as_of) {
    return {.system_now = std::max(desk.now, *request.as_of), .as_of = *request.as_of};
  }
  const ClockStep step = next_clock(desk, policy);
  if (const WitnessedClock clocks = witness_clock(desk.database, desk.now); clocks.apart()) {
    result["would_be_refused"] = "clocks_apart";
    result["warnings"].push_back("clocks_apart: " + clocks.sentence());
    return step.clock;
  }
  if (step.outcome == ClockStep::Outcome::refused) {
    result["would_be_refused"] = "clock_went_back";
    return step.clock;
  }
  if (step.outcome == ClockStep::Outcome::clamped) {
    result["warnings"].push_back("clock_clamped: the next run counts with " +
                                 to_rfc3339(step.clock.as_of) + ", the system clock says " +
                                 to_rfc3339(desk.now));
  }
  return step.clock;
}

struct FileCloser {
  void operator()(std::FILE* file) const {
    (void)std::fclose(file);  // what counts is flushed, and looked at, before
  }
};
using NewFile = std::unique_ptr<std::FILE, FileCloser>;

/// Makes the file, or refuses: a slip such as `--rows audit.db` must not cost anybody a file. It
/// stays open until it is written, because its name may lead elsewhere by then.
NewFile claim_new_file(const std::filesystem::path& file) {
  constexpr mode_t kOwnerOnly = 0600;
  const int descriptor =
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly);
  if (descriptor >= 0) {
    return NewFile(::fdopen(descriptor, "wb"));
  }
  if (errno == EEXIST) {
    throw JobError(ExitStatus::invalid,
                   "--rows " + file.string() +
                       ": there is something of that name already, and it is left alone: name a "
                       "new file");
  }
  throw JobError(ExitStatus::failed,
                 "--rows " + file.string() + ": cannot be made (" +
                     std::generic_category().message(errno) +
                     "): check that its folder exists and that you may write to it");
}

void write_rows(const Desk& desk,
                DecisionContext& context,
                const std::filesystem::path& file,
                std::FILE* out) {
  bool whole = out != nullptr;
  PlanOptions options;
  options.each_row = [&](const RowKey& key, Reason reason) {
    const std::string line =
        compact({{"id", utf8_text(key.display())}, {"reason", to_token(reason)}}) + '\n';
    whole = whole && std::fwrite(line.data(), 1, line.size(), out) == line.size();
  };
  (void)make_plan(desk.database, context, options);
  if (!whole || std::fflush(out) != 0) {
    throw JobError(ExitStatus::failed,
                   file.string() + ": the rows could not all be written: is the disk full?");
  }
}

json needs_approval(const PolicyState& policy,
                    const DecisionContext& context,
                    const RunPlan& plan) {
  json list = json::array();
  if (context.approval()) {
    return list;
  }
  if (policy.first_run && context.safety().first_run_needs_approval) {
    list.push_back({{"why", "first_run"},
                    {"tenant", nullptr},
                    {"category", nullptr},
                    {"due", plan.keys->size()}});
  }
  for (const LimitExcess& excess : plan.figures.over_limit) {
    list.push_back(excess_json(excess));
  }
  return list;
}

json plan_json(const RunPlan& plan, const DecisionContext& context) {
  Figures figures = make_figures(plan.figures.tally, &context.rules());
  add_place_times(figures, plan.figures);
  figures.as_of = context.frame().clock.as_of;
  figures.bad_times = plan.figures.bad_times;
  figures.category_mismatches = plan.figures.category_mismatches;
  figures.kept_by_hold = plan.figures.kept_by_hold;
  return figures_json(figures);
}

/// Rows of children that would go with the rows to delete; null where counting them would take
/// long.
json children_of_plan(const Desk& desk, RunPlan& plan) {
  constexpr std::int64_t kMostRows = 100'000;
  constexpr std::size_t kAtOnce = 1'024;
  AuditLog& log = desk.database.audit_log();
  json list = json::array();
  if (plan.keys->size() > kMostRows || !finds_children(log.shape())) {
    for (const ChildShape& child : log.shape().children) {
      list.push_back({{"table", utf8_text(child.table)}, {"rows", nullptr}});
    }
    return list;
  }
  ChildCounts counts;
  for (const ChildShape& child : log.shape().children) {
    counts[child.table] = 0;
  }
  plan.keys->rewind();
  for (auto keys = plan.keys->next(kAtOnce); !keys.empty(); keys = plan.keys->next(kAtOnce)) {
    for (const RowKey& key : keys) {
      for (const auto& [table, rows] : log.count_children(key)) {
        counts[table] += rows;
      }
    }
  }
  plan.keys->rewind();
  return children_json(counts);
}

void save_plan(const Desk& desk,
               const PolicyState& policy,
               const DecisionContext& context,
               RunPlan& plan,
               json& result) {
  SavedPlan saved{.digest = result.at("digest").get<std::string>(),
                  .saved_at = desk.now,
                  .as_of = context.frame().clock.as_of,
                  .policy_digest = policy.digest,
                  .hold_digest = context.hold_digest(),
                  .rows = plan.keys->size(),
                  .figures = compact(result)};
  const auto write = desk.database.begin_write(Durability::full);
  (void)desk.database.plans().save(saved, *plan.keys);
  write->commit();
  result["saved"] = true;
}

/// What the run will look at; whether each of them is wholly due it finds out by reading it.
json partitions_of_plan(Database& database, const RuleBook& rules) {
  json list = json::array();
  for (const LogPartition& partition : partitions_past_windows(database, rules)) {
    list.push_back(
        {{"name", utf8_text(partition.name)},
         {"objection",
          partition.objection.empty() ? json(nullptr) : json(utf8_text(partition.objection))}});
  }
  return list;
}

}  // namespace

json show_plan(const Desk& desk, const PlanRequest& request) {
  if (request.as_of && request.save) {
    throw JobError(ExitStatus::invalid,
                   "--as-of looks ahead and cannot be saved: leave out --as-of or --save");
  }
  const NewFile rows = request.rows ? claim_new_file(*request.rows) : NewFile{};
  json extra = {{"warnings", json::array()}, {"would_be_refused", nullptr}, {"saved", false}};
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  const RunClock clock = clock_for(desk, policy, request, extra);
  DecisionContext context =
      request.save
          ? DecisionContext(
                desk.database, desk.settings, policy, clock, DecisionContext::WithoutApproval{})
          : DecisionContext(desk.database, desk.settings, policy, clock);
  RunPlan plan = plan_at(desk, context);
  if (!context.approval_doubt().empty()) {
    extra["warnings"].push_back(context.approval_doubt());
  }
  if (context.archive_missing()) {
    extra["warnings"].push_back(archive_warning(desk.settings));
  }
  if (too_many_bad_times(plan.figures, context.safety())) {
    extra["would_be_refused"] = "bad_time_share";
  }
  if (desk.witness != nullptr) {
    const WitnessComparison found = compare_witness(desk.database, *desk.witness);
    if (!found.agrees()) {
      extra["would_be_refused"] = to_token(found.state);
      extra["warnings"].push_back(utf8_text(found.sentence));
    }
  }
  json result = plan_json(plan, context);
  result.update(extra);
  result["digest"] = context.approval() ? context.approval()->plan.digest
                                        : plan_digest(desk.database, policy, context, *plan.keys);
  result["needs_approval"] = needs_approval(policy, context, plan);
  result["approved_plan"] =
      context.approval() ? json(context.approval()->plan.digest) : json(nullptr);
  result["one_pass"] = plan.figures.one_pass;
  result["planning_ms"] = plan.figures.took.count() / kMicrosPerMilli;
  const std::string& index = desk.database.audit_log().shape().index_advice;
  result["index_advice"] = index.empty() ? json(nullptr) : json(utf8_text(index));
  if (desk.settings.run.drop_partitions) {
    result["partitions"] = partitions_of_plan(desk.database, context.rules());
  }
  if (!desk.database.audit_log().shape().children.empty()) {
    result["children_deleted"] = children_of_plan(desk, plan);
  }
  if (request.save) {
    save_plan(desk, policy, context, plan, result);
  }
  if (request.rows) {
    if (!context.approval()) {
      context.close_limit_gate(places_over_limit(plan.figures));
    }
    write_rows(desk, context, *request.rows, rows.get());
  }
  return result;
}

json approve_plan(const Desk& desk, const std::string& digest) {
  require_administrator(desk, "approve a plan");
  require_clock_not_behind(desk);
  const std::vector<SavedPlan> found = digest.size() < kShortestDigest
                                           ? std::vector<SavedPlan>{}
                                           : desk.database.plans().find(digest);
  if (found.empty()) {
    throw JobError(ExitStatus::invalid,
                   "no saved plan has a digest that starts with \"" + digest +
                       R"(": "holdfast plan --save" prints one; give at least 8 letters of it)");
  }
  if (found.size() > 1) {
    throw JobError(ExitStatus::invalid,
                   "more than one saved plan has a digest that starts with \"" + digest +
                       "\": give more letters");
  }
  const SavedPlan& plan = found.front();
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  if (plan.policy_digest != policy.digest) {
    throw JobError(ExitStatus::refused,
                   "the plan was made under another policy than the one in force: save a new plan "
                   "and approve that one");
  }
  const json detail = {{"plan", plan.digest}, {"rows", plan.rows}};
  WitnessNotes notes = witness_notes(desk);
  if (!notes.comparison().agrees()) {
    throw JobError(ExitStatus::refused,
                   notes.comparison().sentence +
                       "; an approval that it does not know would count as "
                       "somebody else's, so none is given");
  }
  const auto write = desk.database.begin_write(Durability::full);
  (void)desk.database.plans().approve(plan.id, desk.who, desk.now);
  note_in_journal(desk, "plan_approved", compact(detail), "");
  notes.note(desk.now,
             "approval",
             {{"plan", plan.digest}, {"rows", plan.rows}, {"approved_by", utf8_text(desk.who)}});
  write->commit();
  notes.flush();
  return {{"approved", plan.digest},
          {"rows", plan.rows},
          {"approved_by", desk.who},
          {"approved_at", to_rfc3339(desk.now)},
          {"lapses_at", to_rfc3339(desk.now + kApprovalLife)},
          {"as_of", to_rfc3339(plan.as_of)}};
}

json approve_clock(const Desk& desk) {
  require_administrator(desk, "set the run clock");
  require_clocks_together(desk);
  const Instant now = witness_clock(desk.database, desk.now).earlier();
  const std::optional<RunClock> last = desk.database.ledger().last_clock();
  WitnessNotes notes = witness_notes(desk);
  const auto write = desk.database.begin_write(Durability::full);
  desk.database.ledger().store_clock({.system_now = now, .as_of = now},
                                     "approve --clock by " + desk.who);
  const std::vector<std::string> lowered = desk.database.lower_instants(now);
  json result = {
      {"run_clock_before", json_time(last ? std::optional{last->as_of} : std::nullopt)},
      {"system_clock_before", json_time(last ? std::optional{last->system_now} : std::nullopt)},
      {"run_clock", to_rfc3339(now)},
      {"system_clock", to_rfc3339(now)},
      {"set_by", desk.who},
      {"lowered", lowered}};
  note_in_journal(desk, "clock_set", compact(result), "");
  notes.note(desk.now,
             "clock",
             {{"as_of", to_rfc3339(now)},
              {"system_now", to_rfc3339(now)},
              {"set_by", utf8_text(desk.who)}});
  write->commit();
  notes.flush();
  return result;
}

}  // namespace holdfast
