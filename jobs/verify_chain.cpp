// SPDX-License-Identifier: Apache-2.0
// The chain of runs and the ledger against their records.

#include <map>
#include <string>

#include "jobs/digest.h"
#include "jobs/json_text.h"
#include "jobs/run_record.h"
#include "jobs/slice_digest.h"
#include "jobs/verify_parts.h"
#include "jobs/witness.h"

namespace holdfast {
namespace {

using nlohmann::json;

std::string run_name(std::int64_t run) {
  return "run " + std::to_string(run);
}

/// Runs that `recover` took over without a record, as the witness has them.
using LostRuns = std::map<std::int64_t, json>;

LostRuns lost_runs(Database& database) {
  std::map<std::int64_t, json> runs;
  LostRuns lost;
  for (const WitnessLine& line : database.witness_outbox().since(0)) {
    const json body = witness_body(line);
    if (line.kind == "run" && body.contains("run_id") && body.at("run_id").is_number_integer()) {
      runs[whole_number(body.at("run_id"))] = body;
    }
    const json ids = line.kind == "recovered" ? body.value("lost_runs", json::array()) : json();
    for (const json& id : ids.is_array() ? ids : json::array()) {
      if (id.is_number_integer()) {
        lost[whole_number(id)] = runs[whole_number(id)];
      }
    }
  }
  return lost;
}

/// Walks the chain from its first record on.
class ChainWalk {
 public:
  ChainWalk(const LostRuns& lost, VerifyFindings& findings) : lost_(lost), findings_(findings) {}

  void take(const RunLine& line) {
    if (!line.closing) {
      return;  // going on, or dead: the next run closes it
    }
    const RunClosing& closing = *line.closing;
    if (closing.run_hash.empty()) {
      if (chained_ > 0) {
        say("hash_missing", line.id, "has no hash although the run before it has one");
      } else {
        ++before_;
      }
      return;
    }
    ++chained_;
    if (closing.previous_hash != expected_) {
      say("chain_broken",
          line.id,
          "follows the hash " + closing.previous_hash + ", but the run before it has " + expected_ +
              ": a run was removed, added or moved");
    }
    expected_ = closing.run_hash;
    if (closing.record.empty()) {
      check_lost(line);
    } else {
      check_record(line);
    }
  }

  [[nodiscard]] json figures() const {
    return {{"runs", chained_},
            {"from_before_the_chain", before_},
            {"known_from_witness_only", without_record_},
            {"last_run_hash", chained_ == 0 ? json(nullptr) : json(expected_)}};
  }

 private:
  /// Only a run that a restored backup had forgotten may have no record.
  void check_lost(const RunLine& line) {
    const auto known = lost_.find(line.id);
    if (known == lost_.end()) {
      say("record_missing", line.id, "has no record: somebody removed it");
    } else if (known->second.value("outcome", "") != line.closing->outcome ||
               known->second.value("deleted", json(nullptr)) != line.closing->deleted) {
      say("record_edited", line.id, "is in the ledger otherwise than the witness knows it");
    } else {
      ++without_record_;
    }
  }

  void check_record(const RunLine& line) {
    const RunClosing& closing = *line.closing;
    json record = json::parse(closing.record, nullptr, false);
    if (!record.is_object()) {
      say("record_unreadable", line.id, "has a record that is no JSON object");
      return;
    }
    const json said_previous = record.value("previous_run_hash", json(nullptr));
    const json said_id = record.value("run_id", json(nullptr));
    if (compact(record) != closing.record || hash_of_record(record) != closing.run_hash ||
        record.value("run_hash", json(nullptr)) != closing.run_hash) {
      say("record_edited",
          line.id,
          "has a record that does not give its hash: record or hash were changed after it was "
          "closed");
    } else if (said_previous != closing.previous_hash || said_id != line.id) {
      say("record_moved",
          line.id,
          "has the record of another place in the chain (it says run " + said_id.dump() + ")");
    }
  }

  void say(const char* reason, std::int64_t run, const std::string& what) {
    findings_.problems.push_back(
        {.part = "chain", .reason = reason, .message = run_name(run) + " " + what});
  }

  const LostRuns& lost_;
  VerifyFindings& findings_;
  std::string expected_ = first_previous_hash();
  std::int64_t chained_ = 0;
  std::int64_t before_ = 0;
  std::int64_t without_record_ = 0;
};

/// One run's line and slices against its record.
class LedgerCheck {
 public:
  LedgerCheck(Database& database, VerifyFindings& findings)
      : database_(database), findings_(findings) {}

  void take(const RunLine& line) {
    if (!line.closing || line.closing->run_hash.empty() || line.closing->record.empty()) {
      return;
    }
    const json record = json::parse(line.closing->record, nullptr, false);
    if (!record.is_object() || !record.contains("integrity")) {
      return;
    }
    ++runs_;
    run_ = line.id;
    try {
      compare(line, record);
    } catch (const std::exception& error) {
      say("unreadable", std::string("has slices or a record that cannot be read: ") + error.what());
    }
  }

  [[nodiscard]] json figures() const {
    return {{"runs", runs_}, {"slices", slices_}, {"rows", rows_}, {"salts", salts_}};
  }

 private:
  void compare(const RunLine& line, const json& record) {
    if (record.value("outcome", "") != line.closing->outcome) {
      say("outcome_changed",
          "was closed as \"" + record.value("outcome", "") + "\" and its line says \"" +
              line.closing->outcome + "\"");
    }
    check_slices(record, line.closing->deleted);
    check_salt(record);
  }

  void check_slices(const json& record, std::int64_t deleted_of_line) {
    std::int64_t deleted = 0;
    std::int64_t next = 1;
    bool all_have_digests = true;
    RowsDigest digest;
    std::map<std::string, std::int64_t> by_place;
    for (const RunSlice& slice : database_.ledger().slices(run_)) {
      ++slices_;
      if (slice.number != next++) {
        say("slice_missing", "lacks slice " + std::to_string(next - 1));
        return;
      }
      deleted += slice.deleted;
      check_slice(slice, by_place);
      all_have_digests =
          all_have_digests && bytes_of_hex(slice.digest).has_value() && !slice.digest.empty();
      if (all_have_digests) {
        digest.add(slice.digest);
      }
    }
    rows_ += deleted;
    const json& integrity = record.at("integrity");
    if (deleted != record.value("deleted", std::int64_t{0}) || deleted != deleted_of_line) {
      say("sum_differs",
          "has slices with " + std::to_string(deleted) +
              " deleted rows; its record "
              "says " +
              std::to_string(record.value("deleted", std::int64_t{0})) + " and its line " +
              std::to_string(deleted_of_line));
    } else if (by_place != places_of(record)) {
      say("tally_differs",
          "has slices whose tallies do not give the deleted rows of its record by tenant and "
          "category: a tally was changed");
    }
    const json slices = integrity.value("slices_sha256", json(nullptr));
    if (slices.is_string() && slices_digest(database_.ledger(), run_) != slices) {
      say("slices_differ",
          "has slices that are not those of its record: their keys, tallies, hold set or archive "
          "were changed");
    }
    const json& said = integrity.at("rows_digest");
    if (said.is_string() && (!all_have_digests || digest.hex() != said.get<std::string>())) {
      say("rows_digest_differs",
          "has slices whose digests do not give the digest of its record: a slice was changed");
    }
  }

  void check_slice(const RunSlice& slice, std::map<std::string, std::int64_t>& by_place) {
    const std::string name = "slice " + std::to_string(slice.number);
    const auto keys = database_.ledger().slice_keys(run_, slice.number);
    if (static_cast<std::int64_t>(keys.size()) != slice.deleted) {
      say("keys_differ",
          "has a " + name + " with " + std::to_string(slice.deleted) + " deleted rows and " +
              std::to_string(keys.size()) + " keys");
    }
    const json tally = json::parse(slice.tally, nullptr, false);
    std::int64_t counted = 0;
    for (const json& entry : tally.is_array() ? tally : json::array()) {
      if (entry.value("reason", "") == to_token(Reason::expired)) {
        const auto rows = entry.value("rows", std::int64_t{0});
        counted += rows;
        by_place[place_name(entry)] += rows;
      }
    }
    if (counted != slice.deleted) {
      say("tally_differs",
          "has a " + name + " whose tally counts " + std::to_string(counted) +
              " deleted rows instead of " + std::to_string(slice.deleted));
    }
  }

  static std::string place_name(const json& entry) {
    const json category = entry.value("category", json(nullptr));
    return compact(
        {entry.value("tenant", json(nullptr)), category == "" ? json(nullptr) : category});
  }

  static std::map<std::string, std::int64_t> places_of(const json& record) {
    std::map<std::string, std::int64_t> places;
    for (const json& line : record.value("categories", json::array())) {
      if (const auto rows = line.value("deleted", std::int64_t{0}); rows != 0) {
        places[place_name(line)] += rows;
      }
    }
    return places;
  }

  void check_salt(const json& record) {
    const json& said = record.at("integrity").value("salt_sha256", json(nullptr));
    const std::string salt = database_.ledger().salt(run_);
    if (!said.is_string() || salt.empty()) {
      return;  // none was drawn, or it is destroyed, as it may be
    }
    ++salts_;
    if (sha256_hex(salt) != said.get<std::string>()) {
      say("salt_changed", "has another salt than the one that its rows were hashed with");
    }
  }

  void say(const char* reason, const std::string& what) {
    findings_.problems.push_back(
        {.part = "ledger", .reason = reason, .message = run_name(run_) + " " + what});
  }

  Database& database_;
  VerifyFindings& findings_;
  std::int64_t run_ = 0;
  std::int64_t runs_ = 0;
  std::int64_t slices_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t salts_ = 0;
};

}  // namespace

void verify_chain(Database& database, VerifyFindings& findings) {
  const LostRuns lost = lost_runs(database);
  ChainWalk walk(lost, findings);
  const auto last = database.ledger().last();
  for (std::int64_t run = 1; last && run <= last->id; ++run) {
    if (const auto line = database.ledger().find(run)) {
      walk.take(*line);
    } else {
      findings.problems.push_back({.part = "chain",
                                   .reason = "run_missing",
                                   .message = run_name(run) +
                                              " is missing from the ledger, whose numbers have "
                                              "no gaps: somebody removed it"});
    }
  }
  findings.checked["chain"] = walk.figures();
}

void verify_ledger(Database& database, VerifyFindings& findings) {
  LedgerCheck check(database, findings);
  const auto last = database.ledger().last();
  for (std::int64_t run = 1; last && run <= last->id; ++run) {
    if (const auto line = database.ledger().find(run)) {
      check.take(*line);
    }
  }
  findings.checked["ledger"] = check.figures();
}

}  // namespace holdfast
