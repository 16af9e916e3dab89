// SPDX-License-Identifier: Apache-2.0
#include "jobs/plan_half.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "jobs/clock.h"
#include "jobs/run_observer.h"

namespace holdfast {
namespace {

constexpr std::size_t kKeysAtOnce = 1024;

/// Nobody waits for the counts any more.
struct CountingEnded : std::exception {};

}  // namespace

void count_group(const LogGroup& group, PlanCounter& counter, CodeRowsByName& codes) {
  const std::string_view category = counter.add_unread(group);
  code_rows_at(codes, group).categories.insert(category);
}

CandidateRange candidate_range(const CodeRows& code, const DecisionContext& context) {
  const DecisionFrame& frame = context.frame();
  const Instant cutoff = code.code ? context.rules().latest_cutoff(*code.code) : kBeginningOfTime;
  return {.stored_code = stored_code(code),
          .below = std::max(cutoff, frame.earliest_plausible),
          .above = frame.clock.latest() + std::chrono::minutes{5}};
}

void collect_candidates(AuditLog& log,
                        const CodeRowsByName& codes,
                        const DecisionContext& context,
                        std::optional<std::int64_t> up_to,
                        KeySet& candidates,
                        const std::function<void()>& look) {
  for (const auto& [name, code] : codes) {
    look();
    log.scan_candidate_keys(candidate_range(code, context),
                            up_to,
                            [&candidates](const RowKey& key) { candidates.add(key); });
  }
}

std::unique_ptr<PlanHalf> PlanHalf::open(Database& database,
                                         const DecisionContext& context,
                                         const OpenReader& open_reader) {
  const LogShape& shape = database.audit_log().shape();
  // The newest key of a table that would use it again is one that the plan's connection knows.
  if (!shape.keys_in_index || !shape.ordered_keys || shape.reuses_newest_key ||
      !context.can_share()) {
    return nullptr;
  }
  try {
    auto reader = SecondConnection{database}.open(open_reader);
    return reader ? std::unique_ptr<PlanHalf>(new PlanHalf(std::move(reader), context)) : nullptr;
  } catch (const std::exception&) {
    return nullptr;
  }
}

PlanHalf::~PlanHalf() {
  unwanted_ = true;
  if (counting_.valid()) {
    counting_.wait();
  }
  if (deciding_.valid()) {
    deciding_.wait();
  }
}

bool PlanHalf::begin() {
  try {
    snapshot_ = reader_->begin_read();
    // Looked at inside: what it sees came before any commit that would change this number.
    return reader_->foreign_commits() == commits_;
  } catch (const std::exception&) {
    return false;
  }
}

void PlanHalf::start_counting(CodesPart part,
                              std::optional<std::int64_t> up_to,
                              const StopFlag* stop) {
  try {
    counting_ = std::async(std::launch::async, [this, part = std::move(part), up_to, stop] {
      return count(part, up_to, stop);
    });
  } catch (const std::system_error&) {
    // No thread is to be had: take_counted() has nothing to give.
  }
}

std::optional<CountedGroups> PlanHalf::take_counted() {
  if (!counting_.valid()) {
    return std::nullopt;
  }
  try {
    return counting_.get();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

CountedGroups PlanHalf::count(const CodesPart& part,
                              std::optional<std::int64_t> up_to,
                              const StopFlag* stop) {
  CountedGroups counted{.counter = PlanCounter{context_}, .candidates = reader_->new_key_set()};
  const auto look = [this, stop] {
    if (must_end(stop)) {
      throw CountingEnded{};
    }
  };
  const Stopwatch counting;
  AuditLog& log = reader_->audit_log();
  log.count_groups_of(
      part,
      up_to,
      [&counted](const LogGroup& group) { count_group(group, counted.counter, counted.codes); },
      look);
  counted.counting = counting.elapsed();
  collect_candidates(log, counted.codes, context_, up_to, *counted.candidates, look);
  return counted;
}

bool PlanHalf::must_end(const StopFlag* stop) const {
  return unwanted_ || (stop != nullptr && stop->raised());
}

void PlanHalf::start(std::unique_ptr<KeySet> candidates, const StopFlag* stop) {
  candidates_ = std::move(candidates);
  if (!candidates_->shareable()) {
    return;
  }
  try {
    deciding_ = std::async(std::launch::async, [this, stop] { return decide(stop); });
  } catch (const std::system_error&) {
    // No thread is to be had: take() has nothing to give.
  }
}

std::optional<DecidedCandidates> PlanHalf::take() {
  if (!deciding_.valid()) {
    return std::nullopt;
  }
  try {
    return deciding_.get();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<DecidedCandidates> PlanHalf::decide(const StopFlag* stop) {
  DecidedCandidates decided{.counter = PlanCounter{context_},
                            .going = reader_->new_key_set(),
                            .bad_times = reader_->new_key_set()};
  candidates_->rewind();
  for (auto keys = candidates_->next(kKeysAtOnce); !keys.empty();
       keys = candidates_->next(kKeysAtOnce)) {
    if (must_end(stop)) {
      return std::nullopt;
    }
    reader_->audit_log().read_rows(keys, [&](const RowFacts& row) { take(row, decided); });
  }
  return decided;
}

void PlanHalf::take(const RowFacts& row, DecidedCandidates& decided) {
  const Decision decision = context_.decide_row(row, reader_->first_seen());
  decided.counter.add(row, decision, /*unread_before=*/true);
  if (decision.bad_time) {
    decided.bad_times->add(*row.key);
  }
  if (decision.deletes()) {
    decided.going->add(*row.key);
  }
}

}  // namespace holdfast
