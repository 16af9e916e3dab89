// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "jobs/digest.h"

namespace holdfast {
namespace {

constexpr std::int64_t kPartsPerMillion = 1'000'000;
constexpr std::int64_t kRowsPerProgress = 50'000;
constexpr std::int64_t kRowsPerLook = 256;  // how often the stop flag is looked at
constexpr std::string_view kOwnRunCodes = "AUDIT_PRUNE_RUN_";

/// Every run leaves a row of its own: a log with nothing else in it is idle.
bool tells_of_a_run(const std::optional<std::string_view>& code) {
  return code && code->substr(0, kOwnRunCodes.size()) == kOwnRunCodes;
}

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
    figures.tally.add(row.tenant, decision.category, decision.reason);
    if (decision.reason == Reason::expired || decision.reason == Reason::unknown_code) {
      figures.tally.add_code(row.code.value_or(std::string_view{}), decision.reason);
    }
    figures.category_mismatches += decision.category_differs ? 1 : 0;
    if (decision.bad_time) {
      ++figures.bad_times;
      database_.first_seen().meet(row);
    } else {
      note_time(row.time, row.code, decision.category);
      note_place(row, decision);
      if (decision.reason == Reason::unknown_code) {
        note_unknown(row.code.value_or(std::string_view{}), row.time);
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

  /// `category`: none where it is not known which of several the time belongs to.
  void note_time(const StoredView& stored,
                 const std::optional<std::string_view>& code,
                 const std::optional<std::string_view>& category) {
    const auto time = parse_event_time(stored, context_.frame().time_format);
    if (!time) {
      return;
    }
    auto& newest = plan_.figures.newest_time;
    if (!tells_of_a_run(code)) {
      newest = newest ? std::max(*newest, *time) : *time;
    }
    if (category) {
      auto& oldest = plan_.figures.oldest_time;
      const auto found = oldest.find(*category);
      if (found == oldest.end()) {
        oldest.emplace(std::string(*category), *time);
      } else {
        found->second = std::min(found->second, *time);
      }
    }
  }

  /// Rows inside their window are not looked at: with an index they are not even read.
  void note_place(const RowFacts& row, const Decision& decision) {
    const auto time = parse_event_time(row.time, context_.frame().time_format);
    if (!time || !past_window(row.code, *time)) {
      return;
    }
    PlanFigures& figures = plan_.figures;
    auto& times = decision.deletes() ? figures.newest_deleted : figures.oldest_kept;
    const auto found =
        times.find(TallyPlaceView{.tenant = row.tenant, .category = decision.category});
    if (found == times.end()) {
      times.emplace(
          TallyPlace{.tenant = owned(row.tenant), .category = std::string(decision.category)},
          *time);
    } else if (decision.deletes() ? *time > found->second : *time < found->second) {
      found->second = *time;
    }
  }

  void note_unknown(std::string_view code, const StoredView& stored) {
    const auto time = parse_event_time(stored, context_.frame().time_format);
    if (time) {
      Instant& oldest =
          plan_.figures.oldest_unknown.try_emplace(std::string(code), *time).first->second;
      oldest = std::min(oldest, *time);
    }
  }

  bool past_window(const std::optional<std::string_view>& code, Instant time) const {
    return code && time < context_.rules().latest_cutoff(*code);
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

  /// One group of rows that share code, tenant and own category, owned.
  struct Group {
    std::optional<std::string> tenant;
    std::optional<std::string> category;
    std::int64_t rows = 0;
  };
  /// All groups of one stored code.
  struct CodeRows {
    std::variant<std::monostate, std::int64_t, double, std::string> stored;
    bool blob = false;
    std::optional<std::string> code;
    std::vector<Group> groups;
  };

  static std::optional<std::string> owned(std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
  }

  static StoredView view(const CodeRows& rows) {
    if (const auto* text = std::get_if<std::string>(&rows.stored)) {
      return rows.blob ? StoredView{BlobView{*text}} : StoredView{std::string_view{*text}};
    }
    if (const auto* number = std::get_if<std::int64_t>(&rows.stored)) {
      return *number;
    }
    if (const auto* real = std::get_if<double>(&rows.stored)) {
      return *real;
    }
    return std::monostate{};
  }

  std::map<std::string, CodeRows> read_groups() {
    std::map<std::string, CodeRows> codes;  // by canonical bytes of the stored code
    database_.audit_log().count_groups(
        plan_.highest_key,
        [&codes](const LogGroup& group) {
          std::string name;
          append_canonical(name, group.stored_code);
          CodeRows& rows = codes[name];
          rows.code = owned(group.code);
          rows.blob = std::holds_alternative<BlobView>(group.stored_code);
          if (const auto* text = std::get_if<std::string_view>(&group.stored_code)) {
            rows.stored = std::string(*text);
          } else if (const auto* blob = std::get_if<BlobView>(&group.stored_code)) {
            rows.stored = std::string(blob->bytes);
          } else if (const auto* number = std::get_if<std::int64_t>(&group.stored_code)) {
            rows.stored = *number;
          } else if (const auto* real = std::get_if<double>(&group.stored_code)) {
            rows.stored = *real;
          }
          rows.groups.push_back({.tenant = owned(group.tenant),
                                 .category = owned(group.stored_category),
                                 .rows = group.rows});
        },
        [this] { look_at_stop_flag(); });
    return codes;
  }

  /// Rows that no range names are sane and not yet due under any tenant's window: their reason
  /// follows from code and policy alone, and decide() is asked once a group with a time that is
  /// just now.
  void read_by_index() {
    const DecisionFrame& frame = context_.frame();
    for (const auto& [name, code] : read_groups()) {
      look_at_stop_flag();
      const Instant cutoff =
          code.code ? context_.rules().latest_cutoff(*code.code) : kBeginningOfTime;
      const CandidateRange range{.stored_code = view(code),
                                 .below = std::max(cutoff, frame.earliest_plausible),
                                 .above = frame.clock.latest() + std::chrono::minutes{5}};
      std::map<std::pair<std::optional<std::string>, std::optional<std::string>>, std::int64_t>
          read;
      database_.audit_log().scan_candidates(range, plan_.highest_key, [&](const RowFacts& row) {
        ++read[{owned(row.tenant), owned(row.stored_category)}];
        take(row);
      });
      for (const Group& group : code.groups) {
        // Two groups may look alike: 7 and '7' are one tenant, and its rows were read only once.
        std::int64_t& looked_at = read[{group.tenant, group.category}];
        const std::int64_t of_group = std::min(looked_at, group.rows);
        looked_at -= of_group;
        count_unread(code, group, group.rows - of_group);
      }
      note_unread_times(code, range);
    }
  }

  /// The rows that are not read are sane, so the index alone knows the first and the last of them.
  void note_unread_times(const CodeRows& code, const CandidateRange& range) {
    std::set<std::string_view> categories;
    for (const Group& group : code.groups) {
      categories.insert(
          context_.rules().rule_for(group.tenant, code.code, group.category).category);
    }
    const auto category =
        categories.size() == 1 ? std::optional{*categories.begin()} : std::nullopt;
    database_.audit_log().find_span(range, plan_.highest_key, [&](const TimeSpan& span) {
      note_time(span.first, code.code, category);
      if (!context_.rules().rule_for({}, code.code, {}).code_known) {
        note_unknown(code.code.value_or(std::string{}), span.first);
      }
      note_time(span.last, code.code, category);
    });
  }

  void count_unread(const CodeRows& code, const Group& group, std::int64_t rows) {
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
    for (const auto& [place, counts] : plan_.figures.tally.places()) {
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
  std::int64_t seen_ = 0;
};

}  // namespace

RunPlan make_plan(Database& database, DecisionContext& context, const PlanOptions& options) {
  return Planner(database, context, options).make();
}

std::string plan_digest(Database& database,
                        const PolicyState& policy,
                        const DecisionContext& context,
                        KeySet& keys) {
  Sha256 digest;
  digest.update("holdfast plan 1\n" + database.identity() + "\n" + policy.digest + "\n" +
                context.hold_digest() + "\n");
  for (const std::string& cutoff : context.rules().cutoffs()) {
    digest.update(cutoff + "\n");
  }
  keys.for_each_bytes([&digest](std::string_view bytes) { digest.update(bytes); });
  return digest.hex();
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
