// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_plan.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/clock.h"
#include "jobs/code_rows.h"
#include "jobs/plan_counter.h"
#include "jobs/plan_digest.h"

namespace holdfast {
namespace {

constexpr std::int64_t kPartsPerMillion = 1'000'000;
constexpr std::int64_t kRowsPerProgress = 50'000;
constexpr std::size_t kKeysAtOnce = 4096;
constexpr std::int64_t kRowsPerLook = 256;  // how often the stop flag is looked at

/// Leaves the reading of the log half way, and never leaves make().
struct PlanStopped {};

/// One pass of planning: takes rows, decides, counts, collects.
class Planner {
 public:
  Planner(Database& database, DecisionContext& context, const PlanOptions& options)
      : database_(database), context_(context), options_(options), counter_(context) {
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
    for (const RuleBook::Entry& entry : context_.rules().entries()) {
      const auto tenant =
          entry.tenant ? std::optional<std::string_view>{*entry.tenant} : std::nullopt;
      counter_.mention({.tenant = tenant, .category = entry.category});
    }
    plan_.figures = counter_.finish();
    plan_.figures.one_pass = one_pass_;
    plan_.figures.counting = counting_;
    if (!plan_.stopped) {
      find_excess();
    }
    plan_.figures.took = since_start_.elapsed();
    return std::move(plan_);
  }

 private:
  void look_at_all() {
    database_.first_seen().forget_met();
    const LogShape& shape = database_.audit_log().shape();
    const bool nothing_there = options_.nothing_there || (shape.ordered_keys && !plan_.highest_key);
    one_pass_ = options_.each_row || !shape.code_time_index || !database_.readers_are_free();
    if (!nothing_there && !one_pass_ && plan_.highest_key >= options_.worth_a_thread) {
      half_ = PlanHalf::open(database_, context_, options_.open_reader);
    }
    const auto snapshot = database_.begin_read();
    if (half_ && !half_->begin()) {
      half_.reset();
    }
    if (!nothing_there && one_pass_) {
      database_.audit_log().scan_all(
          plan_.highest_key, options_.longest_read, [this](const RowFacts& row) { take(row); });
    } else if (!nothing_there) {
      read_by_index();
    }
  }

  void look_at_stop_flag() const {
    if (options_.stop != nullptr && options_.stop->raised()) {
      throw PlanStopped{};
    }
  }

  void take(const RowFacts& row) {
    const Decision decision = context_.decide_row(row);
    counter_.add(row, decision, !one_pass_);
    if (decision.bad_time) {
      database_.first_seen().meet(row);
    }
    if (decision.deletes()) {
      plan_.keys->add(*row.key);
    }
    if (options_.each_row) {
      options_.each_row(*row.key, decision.reason);
    }
    report_progress();
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

  void read_by_index() {
    const LogShape& shape = database_.audit_log().shape();
    const bool keys_first = shape.ordered_keys && shape.keys_in_index;
    const auto candidates = keys_first ? database_.new_key_set() : nullptr;
    const CodeRowsByName codes = count_all(candidates.get());
    std::vector<CandidateRange> ranges;
    for (const auto& [name, code] : codes) {
      look_at_stop_flag();
      note_unread_times(code, ranges.emplace_back(candidate_range(code, context_)));
    }
    if (keys_first) {
      read_candidates(*candidates);
    } else {
      database_.audit_log().scan_all_candidates(
          ranges, plan_.highest_key, [this](const RowFacts& row) { take(row); });
    }
  }

  /// Counts every row as inside its window, and finds the keys of those that have to be read, where
  /// there is a set for them. Two threads have the codes of a half each, where the log says which
  /// they are.
  [[nodiscard]] CodeRowsByName count_all(KeySet* candidates) {
    CodeRowsByName codes;
    const auto middle = half_ ? database_.audit_log().middle_code(plan_.highest_key) : std::nullopt;
    if (middle && candidates != nullptr) {
      count_in_halves(*middle, codes, *candidates);
    } else {
      count_part(std::nullopt, codes, candidates);
    }
    return codes;
  }

  void count_in_halves(const std::string& middle, CodeRowsByName& codes, KeySet& candidates) {
    const CodesPart behind{.side = CodesPart::Side::from, .middle = middle};
    half_->start_counting(behind, plan_.highest_key, options_.stop);
    count_part(CodesPart{.side = CodesPart::Side::before, .middle = middle}, codes, &candidates);
    if (auto counted = half_->take_counted()) {
      counter_.add(std::move(counted->counter));
      counting_ = std::max(counting_, counted->counting);
      merge_codes(counted->codes, codes);
      add_all(*counted->candidates, candidates);
    } else {
      count_part(behind, codes, &candidates);
    }
  }

  /// Of the codes of a part, or of all.
  void count_part(const std::optional<CodesPart>& part, CodeRowsByName& codes, KeySet* candidates) {
    const Stopwatch counting;
    CodeRowsByName found;
    AuditLog& log = database_.audit_log();
    const auto visit = [&](const LogGroup& group) {
      count_group(group, counter_, found);
    };
    const auto look = [this] {
      look_at_stop_flag();
    };
    if (part) {
      log.count_groups_of(*part, plan_.highest_key, visit, look);
    } else {
      log.count_groups(plan_.highest_key, visit, look);
    }
    counting_ += counting.elapsed();
    if (candidates != nullptr) {
      collect_candidates(log, found, context_, plan_.highest_key, *candidates, look);
    }
    merge_codes(found, codes);
  }

  static void merge_codes(CodeRowsByName& from, CodeRowsByName& into) {
    into.merge(from);
    for (auto& [name, rows] : from) {
      into[name].categories.merge(rows.categories);
    }
  }

  static void add_all(KeySet& from, KeySet& into) {
    from.rewind();
    for (auto keys = from.next(kKeysAtOnce); !keys.empty(); keys = from.next(kKeysAtOnce)) {
      for (const RowKey& key : keys) {
        into.add(key);
      }
    }
  }

  /// In the order of the table's pages, each of which is then read once: in the order of an index
  /// it would be read again for every code. Where there are many, two threads have a half each.
  void read_candidates(KeySet& candidates) {
    candidates.rewind();
    if (!half_ || candidates.size() < options_.worth_a_thread) {
      take_all(candidates);
      return;
    }
    const auto first = next_of(candidates, candidates.size() / 2);
    half_->start(next_of(candidates, candidates.size()), options_.stop);
    take_all(*first);
    if (auto decided = half_->take()) {
      add(*decided);
      seen_ += half_->candidates().size();
    } else {
      take_all(half_->candidates());
    }
    half_.reset();
  }

  /// Up to so many further keys as a set of their own.
  [[nodiscard]] std::unique_ptr<KeySet> next_of(KeySet& candidates, std::int64_t most) {
    auto part = database_.new_key_set();
    while (most > 0) {
      const auto keys = candidates.next(std::min(kKeysAtOnce, static_cast<std::size_t>(most)));
      if (keys.empty()) {
        break;
      }
      for (const RowKey& key : keys) {
        part->add(key);
      }
      most -= static_cast<std::int64_t>(keys.size());
    }
    return part;
  }

  void take_all(KeySet& candidates) {
    for_each(candidates, [this](const RowFacts& row) { take(row); });
  }

  void for_each(KeySet& wanted, const RowVisit& visit) {
    wanted.rewind();
    for (auto keys = wanted.next(kKeysAtOnce); !keys.empty(); keys = wanted.next(kKeysAtOnce)) {
      database_.audit_log().read_rows(keys, visit);
    }
  }

  void add(DecidedCandidates& decided) {
    counter_.add(std::move(decided.counter));
    for_each(*decided.bad_times, [this](const RowFacts& row) { database_.first_seen().meet(row); });
    add_all(*decided.going, *plan_.keys);
  }

  /// The rows that are not read are sane, so the index alone knows the first and the last of them.
  void note_unread_times(const CodeRows& code, const CandidateRange& range) {
    const auto category =
        code.categories.size() == 1 ? std::optional{*code.categories.begin()} : std::nullopt;
    const TimeFormat format = context_.frame().time_format;
    database_.audit_log().find_span(range, plan_.highest_key, [&](const TimeSpan& span) {
      counter_.note_unread_times(code.code,
                                 category,
                                 parse_event_time(span.first, format),
                                 parse_event_time(span.last, format));
    });
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
  PlanCounter counter_;
  std::unique_ptr<PlanHalf> half_;  // null: this thread does it all
  bool one_pass_ = false;
  std::chrono::microseconds counting_{0};
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
