// SPDX-License-Identifier: Apache-2.0
// The log against what the ledger says of it, and the digests against a backup.

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "jobs/between_runs.h"
#include "jobs/slice_digest.h"
#include "jobs/verify_parts.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNamed = 20;  // rows that a message names; the rest is a number
constexpr std::size_t kReadAtOnce = 1'000;

/// Every key that a run or an erasure deleted, but for rows that a person put back.
std::unique_ptr<KeySet> deleted_keys(Database& database, std::int64_t& count) {
  std::set<RowKey> restored;
  database.restored_rows().for_each([&](const RestoredRow& row) {
    if (!row.gone) {
      restored.insert(row.key);
    }
  });
  auto keys = database.new_key_set();
  const auto add = [&](const std::vector<RowKey>& gone) {
    for (const RowKey& key : gone) {
      ++count;
      if (!restored.contains(key)) {
        keys->add(key);
      }
    }
  };
  const auto last = database.ledger().last();
  for (std::int64_t run = 1; last && run <= last->id; ++run) {
    for (const RunSlice& slice : database.ledger().slices(run)) {
      add(database.ledger().slice_keys(run, slice.number));
    }
  }
  for (const ErasureRequest& request : database.erasures().all()) {
    add(database.erasures().deleted_keys(request.id));
  }
  return keys;
}

std::string who_deleted(Database& database, const RowKey& key) {
  if (const auto slice = database.ledger().slice_that_deleted(key)) {
    return "run " + std::to_string(slice->run) + " had deleted in slice " +
           std::to_string(slice->number);
  }
  const auto erasure = database.erasures().erasure_that_deleted(key.display());
  return erasure ? "erasure request " + std::to_string(*erasure) + " had deleted"
                 : "had been deleted";
}

json find_rows_that_are_back(Database& database, VerifyFindings& findings) {
  std::int64_t deleted = 0;
  const auto gone = deleted_keys(database, deleted);
  std::int64_t looked_at = 0;
  std::int64_t back = 0;
  std::vector<RowKey> named;
  database.audit_log().for_each_key([&](const RowKey& key) {
    ++looked_at;
    if (gone->contains(key)) {
      ++back;
      if (named.size() < kMostNamed) {
        named.push_back(key);
      }
    }
  });
  for (const RowKey& key : named) {
    findings.problems.push_back({.part = "database",
                                 .reason = "row_is_back",
                                 .message = "row " + key.display() + ", which " +
                                            who_deleted(database, key) + ", is in the log again"});
  }
  return {{"rows", looked_at}, {"deleted_keys", deleted}, {"rows_that_are_back", back}};
}

void add_gap(const json& between, const std::string& until, VerifyFindings& findings) {
  const auto vanished = between.value("vanished", std::int64_t{0});
  const auto came_back = between.value("came_back", std::int64_t{0});
  const std::string pair =
      " between run " + std::to_string(between.value("run", std::int64_t{0})) + " and " + until;
  if (const auto late = between.value("committed_late", std::int64_t{0}); late > 0) {
    findings.notes.push_back(std::to_string(late) +
                             " rows with keys below the highest one were committed late" + pair +
                             ": as many that somebody else deleted would not be noticed");
  }
  if (vanished == 0 && came_back == 0) {
    return;
  }
  findings.problems.push_back(
      {.part = "database",
       .reason = vanished > 0 ? "vanished_between_runs" : "came_back_between_runs",
       .message = vanished > 0 ? std::to_string(vanished) + " rows vanished" + pair +
                                     ": somebody else than Holdfast deleted them"
                               : std::to_string(came_back) +
                                     " rows came back, or came with old keys," + pair});
}

/// What the runs found when they began, and what one would find now.
std::int64_t find_gaps(Database& database, std::int64_t since, VerifyFindings& findings) {
  std::int64_t compared = 0;
  const auto last = database.ledger().last();
  for (std::int64_t run = since; last && run <= last->id; ++run) {
    const auto line = database.ledger().find(run);
    const json record =
        line && line->closing ? json::parse(line->closing->record, nullptr, false) : json(nullptr);
    if (record.is_object() && record.value("between_runs", json(nullptr)).is_object()) {
      ++compared;
      add_gap(record.at("between_runs"), "run " + std::to_string(run), findings);
    }
  }
  if (!database.ledger().left_open().empty()) {
    findings.notes.emplace_back(
        "a run is going on, or died: what it left is compared when it is closed");
  } else if (const auto now = compare_with_last_run(database, 0)) {
    ++compared;
    add_gap(between_runs_json(now), "now", findings);
  }
  return compared;
}

enum class SliceMatch { same, differs, not_there };

SliceMatch compare_slice(Database& database, Database& backup, const RunSlice& slice) {
  SliceDigest digest(database.ledger().salt(slice.run));
  std::string content;
  const std::vector<RowKey> keys = database.ledger().slice_keys(slice.run, slice.number);
  for (std::span<const RowKey> rest = keys; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kReadAtOnce));
    std::size_t there = 0;
    backup.audit_log().read_whole_rows(some, [&](const RowFacts&, const RowContent& row) {
      ++there;
      content.clear();
      row.append_to(content);
      digest.add(content);
    });
    if (there != some.size()) {
      return SliceMatch::not_there;
    }
    rest = rest.subspan(some.size());
  }
  return digest.hex() == slice.digest ? SliceMatch::same : SliceMatch::differs;
}

}  // namespace

void verify_log(Database& database, std::int64_t since, VerifyFindings& findings) {
  json figures = find_rows_that_are_back(database, findings);
  if (database.audit_log().shape().ordered_keys) {
    figures["pairs_of_runs"] = find_gaps(database, since, findings);
  } else {
    findings.notes.emplace_back(
        "the keys of the log have no order, so rows that vanish between two runs cannot be told");
  }
  findings.checked["database"] = std::move(figures);
}

void verify_backup(Database& database, Database& backup, VerifyFindings& findings) {
  std::int64_t same = 0;
  std::int64_t differ = 0;
  std::int64_t not_there = 0;
  std::int64_t no_salt = 0;
  const auto last = database.ledger().last();
  for (std::int64_t run = 1; last && run <= last->id; ++run) {
    const bool salted = !database.ledger().salt(run).empty();
    for (const RunSlice& slice : database.ledger().slices(run)) {
      if (!salted || slice.digest.empty()) {
        ++no_salt;
        continue;
      }
      switch (compare_slice(database, backup, slice)) {
        case SliceMatch::same:
          ++same;
          break;
        case SliceMatch::not_there:
          ++not_there;
          break;
        case SliceMatch::differs:
          ++differ;
          findings.problems.push_back(
              {.part = "backup",
               .reason = "digest_differs",
               .message = "run " + std::to_string(run) + " slice " + std::to_string(slice.number) +
                          " did not delete the rows that the backup has under its keys: they were "
                          "changed in between (an erasure does that), or the digest was"});
          break;
      }
    }
  }
  if (same + differ == 0 && not_there + no_salt > 0) {
    findings.problems.push_back(
        {.part = "backup",
         .reason = "nothing_compared",
         .message = not_there > 0
                        ? "the backup has none of the rows that runs deleted, so nothing was "
                          "compared: it was taken after them, or is the database itself"
                        : "no slice has a digest and a salt to compare with, so nothing was "
                          "compared: [evidence].row_digest was off"});
  } else if (same + differ == 0) {
    findings.notes.emplace_back(
        "no run has deleted anything yet: nothing to compare a backup with");
  }
  findings.checked["backup"] = {{"slices_that_match", same},
                                {"slices_that_differ", differ},
                                {"slices_not_in_the_backup", not_there},
                                {"slices_without_salt", no_salt}};
}

}  // namespace holdfast
