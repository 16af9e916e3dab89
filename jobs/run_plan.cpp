// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "jobs/clock.h"
#include "jobs/code_rows.h"
#include "jobs/plan_digest.h"
#include "policy/text_hash.h"

namespace holdfast {
namespace {

constexpr std::int64_t kPartsPerMillion = 1'000'000;
constexpr std::int64_t kRowsPerProgress = 50'000;
constexpr std::size_t kKeysAtOnce = 4096;
constexpr std::int64_t kRowsPerLook = 256;  // how often the stop flag is looked at
constexpr std::string_view kOwnRunCodes = "AUDIT_PRUNE_RUN_";

/// Every run leaves a row of its own: a log with nothing else in it is idle.
bool tells_of_a_run(const std::optional<std::string_view>& code) {
  return code && code->substr(0, kOwnRunCodes.size()) == kOwnRunCodes;
}

/// Rows that look alike, in code, tenant and category of their own, and what one policy says of all
/// of them: looked up once, not row by row.
struct AlikeRows {
  std::int64_t read = 0;
  Instant latest_cutoff = kBeginningOfTime;  ///< of the code; the beginning where it is not known
  Instant own_cutoff = kBeginningOfTime;     ///< of the window that these rows go by
  std::chrono::milliseconds* overdue = nullptr;  ///< of their place; null before the first due one
  bool tell_of_runs = false;
  ReasonCounts* counts = nullptr;  ///< of their place in the tally
  CategoryTimes* times = nullptr;  ///< of their category; null before the first sane one
};

/// Leaves the reading of the log half way, and never leaves make().
struct PlanStopped {};

/// One pass of planning: takes rows, decides, counts, collects.
class Planner {
 public:
  Planner(Database& database, DecisionContext& context, const PlanOptions& options)
      : database_(database), context_(context), options_(options) {
    plan_.keys = database.new_key_set();
    plan_.highest_key =
        options.highest_key ? options.highest_key : database.audit_log().highest_key();
  }

  RunPlan make() {
    try {
      look_at_all();
    } catch (const PlanStopped&) {
      // Nothing but temporary tables has been written, and the caller uses none of the keys.
      plan_.stopped = true;
    }
    plan_.figures.took = since_start_.elapsed();
    return std::move(plan_);
  }

 private:
  void look_at_all() {
    database_.first_seen().forget_met();
    const auto snapshot = database_.begin_read();
    const LogShape& shape = database_.audit_log().shape();
    const bool nothing_there = options_.nothing_there || (shape.ordered_keys && !plan_.highest_key);
    plan_.figures.one_pass =
        options_.each_row || !shape.code_time_index || !database_.readers_are_free();
    if (!nothing_there && plan_.figures.one_pass) {
      database_.audit_log().scan_all(
          plan_.highest_key, options_.longest_read, [this](const RowFacts& row) { take(row); });
    } else if (!nothing_there) {
      read_by_index();
    }
    for (const RuleBook::Entry& entry : context_.rules().entries()) {
      plan_.figures.tally.mention(entry.tenant, entry.category);
    }
    const ReasonCounts totals = plan_.figures.tally.totals();
    plan_.figures.rows_before = totals.total();
    find_excess();
  }

  void look_at_stop_flag() const {
    if (options_.stop != nullptr && options_.stop->raised()) {
      throw PlanStopped{};
    }
  }

  void take(const RowFacts& row) {
    const Decision decision = context_.decide_row(row);
    PlanFigures& figures = plan_.figures;
    AlikeRows& alike = rows_like(row);
    ++alike.read;
    if (alike.counts == nullptr) {
      alike.counts = &figures.tally.at(row.tenant, decision.category);
    }
    ++(*alike.counts)[decision.reason];
    if (decision.reason == Reason::expired || decision.reason == Reason::unknown_code) {
      figures.tally.add_code(row.code.value_or(std::string_view{}), decision.reason);
    }
    figures.category_mismatches += decision.category_differs ? 1 : 0;
    if (decision.bad_time) {
      ++figures.bad_times;
      database_.first_seen().meet(row);
    } else if (const auto time = parse_event_time(row.time, context_.frame().time_format)) {
      note_newest_time(*time, alike.tell_of_runs);
      if (alike.times == nullptr) {
        alike.times = &figures.oldest_time[std::string(decision.category)];
      }
      note_category_time(*alike.times, *time, decision.reason);
      if (decision.reason == Reason::expired || decision.reason == Reason::limit) {
        note_overdue(row, decision, *time, alike);
      }
      if (*time < alike.latest_cutoff) {
        note_past_window(row, decision, *time);
      }
      if (decision.reason == Reason::unknown_code) {
        note_unknown(row.code.value_or(std::string_view{}), *time);
      }
    }
    if (decision.reason == Reason::hold) {
      count_holds(row);
    }
    if (decision.deletes()) {
      plan_.keys->add(*row.key);
    }
    if (options_.each_row) {
      options_.each_row(*row.key, decision.reason);
    }
    report_progress();
  }

  /// References stay valid.
  AlikeRows& rows_like(const RowFacts& row) {
    const auto [found, fresh] =
        alike_.try_emplace(group_name(row.code, row.tenant, row.stored_category));
    AlikeRows& alike = found->second;
    if (fresh && row.code) {
      alike.latest_cutoff = context_.rules().latest_cutoff(*row.code);
      alike.own_cutoff =
          context_.rules().rule_for(row.tenant, row.code, row.stored_category).window_cutoff();
      alike.tell_of_runs = tells_of_a_run(row.code);
    }
    return alike;
  }

  void note_newest_time(Instant time, bool tells_of_run) {
    auto& newest = plan_.figures.newest_time;
    if ((!newest || *newest < time) && !tells_of_run) {
      newest = time;
    }
  }

  static void note_category_time(CategoryTimes& times, Instant time, Reason reason) {
    times.oldest = std::min(times.oldest, time);
    if (reason != Reason::expired) {
      times.oldest_staying = std::min(times.oldest_staying.value_or(time), time);
    }
    if (reason == Reason::expired || reason == Reason::limit) {
      times.oldest_due = std::min(times.oldest_due.value_or(time), time);
    }
  }

  void note_overdue(const RowFacts& row, const Decision& decision, Instant time, AlikeRows& alike) {
    if (alike.overdue == nullptr) {
      const TallyPlaceView place{.tenant = row.tenant, .category = decision.category};
      alike.overdue = &plan_.figures.longest_overdue[owned_place(place)];
    }
    *alike.overdue = std::max(*alike.overdue, alike.own_cutoff - time);
  }

  /// Rows inside their window are not looked at: with an index they are not even read.
  void note_past_window(const RowFacts& row, const Decision& decision, Instant time) {
    const TallyPlaceView place{.tenant = row.tenant, .category = decision.category};
    if (decision.deletes()) {
      note_newest(plan_.figures.newest_deleted, place, time);
    } else {
      note_oldest(plan_.figures.oldest_kept, place, time);
    }
  }

  void note_unknown(std::string_view code, Instant time) {
    Instant& oldest =
        plan_.figures.oldest_unknown.try_emplace(std::string(code), time).first->second;
    oldest = std::min(oldest, time);
  }

  void count_holds(const RowFacts& row) {
    std::set<std::int64_t> ids;
    context_.holds().for_each_match(as_hold_candidate(row, context_.frame()),
                                    [&ids](const LegalHold& hold) {
                                      if (hold.active()) {
                                        ids.insert(hold.id);
                                      }
                                      return true;
                                    });
    for (const std::int64_t id : ids) {
      ++plan_.figures.kept_by_hold[id];
    }
  }

  void report_progress() {
    ++seen_;
    if (seen_ % kRowsPerLook == 0) {
      look_at_stop_flag();
    }
    if (options_.observer != nullptr && seen_ % kRowsPerProgress == 0) {
      options_.observer->progress({.phase = "planning", .done = seen_});
    }
  }

  /// Rows that no range names are sane and not yet due under any tenant's window: their reason
  /// follows from code and policy alone, and decide() is asked once a group with a time that is
  /// just now.
  void read_by_index() {
    const Stopwatch counting;
    const auto codes =
        read_code_rows(database_.audit_log(), plan_.highest_key, [this] { look_at_stop_flag(); });
    plan_.figures.counting = counting.elapsed();
    const LogShape& shape = database_.audit_log().shape();
    const bool keys_first = shape.ordered_keys && shape.keys_in_index;
    const auto candidates = keys_first ? database_.new_key_set() : nullptr;
    for (const auto& [name, code] : codes) {
      look_at_stop_flag();
      const CandidateRange range = range_of(code);
      if (keys_first) {
        database_.audit_log().scan_candidate_keys(
            range, plan_.highest_key, [&](const RowKey& key) { candidates->add(key); });
      } else {
        database_.audit_log().scan_candidates(
            range, plan_.highest_key, [this](const RowFacts& row) { take(row); });
      }
      note_unread_times(code, range);
    }
    if (keys_first) {
      read_candidates(*candidates);
    }
    count_unread(codes);
  }

  [[nodiscard]] CandidateRange range_of(const CodeRows& code) const {
    const DecisionFrame& frame = context_.frame();
    const Instant cutoff =
        code.code ? context_.rules().latest_cutoff(*code.code) : kBeginningOfTime;
    return {.stored_code = stored_code(code),
            .below = std::max(cutoff, frame.earliest_plausible),
            .above = frame.clock.latest() + std::chrono::minutes{5}};
  }

  /// In the order of the table's pages, each of which is then read once: in the order of an index
  /// it would be read again for every code.
  void read_candidates(KeySet& candidates) {
    candidates.rewind();
    for (auto keys = candidates.next(kKeysAtOnce); !keys.empty();
         keys = candidates.next(kKeysAtOnce)) {
      database_.audit_log().read_rows(keys, [this](const RowFacts& row) { take(row); });
    }
  }

  /// The name of the rows that look alike; valid until the next call.
  const std::string& group_name(const std::optional<std::string_view>& code,
                                const std::optional<std::string_view>& tenant,
                                const std::optional<std::string_view>& category) {
    name_.clear();
    for (const auto& part : {code, tenant, category}) {
      append_canonical(name_, part ? StoredView{*part} : StoredView{});
    }
    return name_;
  }

  /// Two groups may look alike: 7 and '7' are one tenant, and its rows were read only once.
  void count_unread(const CodeRowsByName& codes) {
    for (const auto& [name, code] : codes) {
      for (const CodeRows::Group& group : code.groups) {
        const auto alike = alike_.find(group_name(code.code, group.tenant, group.category));
        std::int64_t of_group = 0;
        if (alike != alike_.end()) {
          of_group = std::min(alike->second.read, group.rows);
          alike->second.read -= of_group;
        }
        count_unread(code, group, group.rows - of_group);
      }
    }
  }

  /// The rows that are not read are sane, so the index alone knows the first and the last of them.
  void note_unread_times(const CodeRows& code, const CandidateRange& range) {
    std::set<std::string_view> categories;
    for (const CodeRows::Group& group : code.groups) {
      categories.insert(
          context_.rules().rule_for(group.tenant, code.code, group.category).category);
    }
    const auto category =
        categories.size() == 1 ? std::optional{*categories.begin()} : std::nullopt;
    const TimeFormat format = context_.frame().time_format;
    database_.audit_log().find_span(range, plan_.highest_key, [&](const TimeSpan& span) {
      const auto first = parse_event_time(span.first, format);
      const auto last = parse_event_time(span.last, format);
      if (first) {
        note_newest_time(*first, tells_of_a_run(code.code));
      }
      if (first && category) {
        note_category_time(
            plan_.figures.oldest_time[std::string(*category)], *first, Reason::window);
      }
      if (first && !context_.rules().rule_for({}, code.code, {}).code_known) {
        note_unknown(code.code.value_or(std::string{}), *first);
      }
      if (last) {
        note_newest_time(*last, tells_of_a_run(code.code));
      }
    });
  }

  void count_unread(const CodeRows& code, const CodeRows::Group& group, std::int64_t rows) {
    if (rows == 0) {
      return;
    }
    const Rule rule = context_.rules().rule_for(group.tenant, code.code, group.category);
    Reason reason = Reason::window;
    if (!rule.code_known) {
      reason = Reason::unknown_code;
      plan_.figures.tally.add_code(code.code.value_or(std::string{}), reason, rows);
    } else if (!rule.has_window) {
      reason = Reason::no_policy;
    }
    plan_.figures.tally.add(group.tenant, rule.category, reason, rows);
    plan_.figures.category_mismatches += rule.category_differs ? rows : 0;
    seen_ += rows;
  }

  void find_excess() {
    const SafetyPolicy& safety = context_.safety();
    for (const auto* entry : plan_.figures.tally.places_in_order()) {
      const auto& [place, counts] = *entry;
      const std::int64_t rows = counts.total();
      const std::int64_t due = counts.deleted() + counts[Reason::limit];
      if (rows >= safety.limit_min_rows && due > 0 &&
          due * kPartsPerMillion > safety.max_category_share_ppm * rows) {
        plan_.figures.over_limit.push_back({.place = place, .rows = rows, .due = due});
      }
    }
  }

  Database& database_;
  DecisionContext& context_;
  const PlanOptions& options_;
  RunPlan plan_;
  Stopwatch since_start_;
  std::int64_t seen_ = 0;
  TextMap<AlikeRows> alike_;  // the rows that have been read, by group_name()
  std::string name_;
};

}  // namespace

RunPlan make_plan(Database& database, DecisionContext& context, const PlanOptions& options) {
  return Planner(database, context, options).make();
}

std::string plan_digest(Database& database,
                        const PolicyState& policy,
                        const DecisionContext& context,
                        KeySet& keys) {
  return plan_digest(database,
                     {.policy_digest = policy.digest,
                      .hold_digest = context.hold_digest(),
                      .rules = context.rules()},
                     keys);
}

TallyPlaceSet places_over_limit(const PlanFigures& figures) {
  TallyPlaceSet places;
  for (const LimitExcess& excess : figures.over_limit) {
    places.insert(excess.place);
  }
  return places;
}

bool too_many_bad_times(const PlanFigures& figures, const SafetyPolicy& safety) {
  return figures.bad_times * kPartsPerMillion > safety.max_bad_time_share_ppm * figures.rows_before;
}

}  // namespace holdfast
