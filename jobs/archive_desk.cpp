// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_desk.h"

#include <algorithm>
#include <set>
#include <utility>

#include "jobs/archive_check.h"
#include "jobs/archive_format.h"
#include "jobs/archive_frames.h"
#include "jobs/archive_keeper.h"
#include "jobs/archived_row.h"
#include "jobs/erased_persons.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kBatch = 500;  // rows put back in one short write, or as many as
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;  // fill this, whichever is sooner

ArchiveShelf shelf_of(const Desk& desk) {
  if (desk.archives == nullptr || !desk.settings.archive) {
    throw JobError(ExitStatus::invalid,
                   "[archive] is not set in " + desk.settings.source.path.string() +
                       ", so there is no folder of archives to look into");
  }
  return {.store = *desk.archives, .database = desk.database};
}

json entry_json(const ArchiveEntry& entry, const std::string& file, const RetentionWindow& keep) {
  json line = {{"run_id", entry.run},
               {"file", file},
               {"state", to_token(entry.state)},
               {"file_there", entry.file_there},
               {"made_at", json_time(entry.made_at)},
               {"destroyed_from", json_time(destroyed_from(entry.made_at, keep))},
               {"problem", entry.problem.empty() ? json(nullptr) : json(utf8_text(entry.problem))}};
  for (const char* unknown :
       {"rows", "bytes", "sha256", "oldest", "newest", "salted", "destroyed_at", "why"}) {
    line[unknown] = nullptr;
  }
  if (entry.manifest) {
    const ArchiveManifest& manifest = *entry.manifest;
    line["rows"] = manifest.rows;
    line["bytes"] = manifest.bytes;
    line["sha256"] = manifest.sha256;
    line["oldest"] = json_time(manifest.oldest());
    line["newest"] = json_time(manifest.newest());
    line["salted"] = !manifest.salt.empty();
    line["destroyed_at"] = json_time(manifest.destroyed_at);
    line["why"] = manifest.destroyed_at ? json(utf8_text(manifest.why)) : json(nullptr);
  }
  return line;
}

json finding_json(const ArchiveFinding& finding) {
  return {{"run_id", finding.run},
          {"file", finding.file},
          {"state", to_token(finding.state)},
          {"rows", finding.rows},
          {"digests_checked", finding.digests},
          {"ok", finding.problem.empty()},
          {"problem", finding.problem.empty() ? json(nullptr) : json(utf8_text(finding.problem))}};
}

/// The manifest of an archive that is there. Errors: JobError(invalid) where it is not.
ArchiveManifest require_whole(const ArchiveShelf& shelf, std::int64_t run) {
  auto manifest = manifest_of(shelf, run);
  if (!manifest || manifest->database != shelf.database.identity()) {
    throw JobError(ExitStatus::invalid,
                   "there is no finished archive of run " + std::to_string(run) +
                       ": \"holdfast archive list\" lists them");
  }
  if (manifest->destroyed_at) {
    throw JobError(ExitStatus::invalid,
                   "the archive of run " + std::to_string(run) + " was destroyed on " +
                       to_rfc3339(*manifest->destroyed_at) + ": " + manifest->why);
  }
  return *std::move(manifest);
}

/// The rows of an archive as they would be read in the log of today, which has the same columns.
ArchiveManifest as_mapped_today(const Desk& desk, const ArchiveManifest& manifest) {
  ArchiveManifest today = manifest;
  today.mapping = desk.database.audit_log().shape().mapping;
  return today;
}

/// Puts rows back in batches.
class Restoring {
 public:
  Restoring(const Desk& desk, const ArchiveManifest& manifest, std::set<std::string> keys)
      : desk_(desk),
        then_{ArchivedRowReader(manifest), person_columns(manifest)},
        now_{ArchivedRowReader(as_mapped_today(desk, manifest)),
             person_columns(as_mapped_today(desk, manifest))},
        erased_(desk.database, desk.keys),
        run_(manifest.run),
        keys_(std::move(keys)),
        missing_(keys_) {}

  void take(const ArchiveLine& row) {
    if (!keys_.empty() && !keys_.contains(row.key)) {
      return;
    }
    missing_.erase(row.key);
    if (!may_come_back(row)) {
      return;
    }
    batch_.emplace_back(*now_.reader.read(row.content).key, row.content);
    batch_bytes_ += row.content.size();
    if (batch_.size() == kBatch || batch_bytes_ > kBatchBytes) {
      write_batch();
    }
  }

  void write_batch() {
    const auto write = desk_.database.begin_write(Durability::full);
    std::int64_t restored = 0;
    for (const auto& [key, content] : batch_) {
      if (desk_.database.audit_log().put_back(key, content)) {
        desk_.database.restored_rows().add(
            {.key = key, .run = run_, .at = desk_.now, .who = desk_.who});
        ++restored;
      }
    }
    write->commit();
    restored_ += restored;
    already_there_ += static_cast<std::int64_t>(batch_.size()) - restored;
    batch_.clear();
    batch_bytes_ = 0;
  }

  [[nodiscard]] json figures() const {
    json missing = json::array();
    for (const std::string& key : missing_) {
      missing.push_back(utf8_text(key));
    }
    return {{"restored", restored_},
            {"already_there", already_there_},
            {"erased_person", erased_rows_},
            {"erasure_unknown", unknown_rows_},
            {"not_in_it", std::move(missing)}};
  }

 private:
  struct Reading {
    ArchivedRowReader reader;
    PersonColumns columns;
  };

  /// Nobody who was erased is brought back in clear, by the columns of either mapping.
  [[nodiscard]] bool may_come_back(const ArchiveLine& row) {
    ErasureVerdict verdict = ErasureVerdict::none;
    for (Reading* reading : {&then_, &now_}) {
      verdict =
          std::max(verdict, erased_.of_row(reading->reader.read(row.content), reading->columns));
    }
    erased_rows_ += verdict == ErasureVerdict::erased ? 1 : 0;
    unknown_rows_ += verdict == ErasureVerdict::unknown ? 1 : 0;
    return verdict == ErasureVerdict::none;
  }

  const Desk& desk_;
  Reading then_;
  Reading now_;
  ErasedPersons erased_;
  std::int64_t run_;
  std::set<std::string> keys_;
  std::set<std::string> missing_;
  std::vector<std::pair<RowKey, std::string>> batch_;
  std::int64_t restored_ = 0;
  std::int64_t already_there_ = 0;
  std::size_t batch_bytes_ = 0;
  std::int64_t erased_rows_ = 0;
  std::int64_t unknown_rows_ = 0;
};

void journal_restore(const Desk& desk, const std::string& what, const json& detail) {
  const auto write = desk.database.begin_write(Durability::full);
  note_in_journal(desk, what, compact(detail), "");
  write->commit();
}

json restore_advice(const json& figures) {
  json advice = json::array(
      {"the rows are as due as they were: the next run deletes them again, unless a hold covers "
       "them; \"holdfast hold place --event-id ID\" before that run keeps them"});
  if (figures.at("erased_person") != 0) {
    advice.push_back(figures.at("erased_person").dump() +
                     " rows stay in the archive: they are about people who were erased");
  }
  if (figures.at("erasure_unknown") != 0) {
    advice.push_back(
        figures.at("erasure_unknown").dump() +
        " rows stay in the archive: people of their tenant were erased, and which ones "
        "nobody can tell, because the tenant's key is forgotten or missing or the rows "
        "do not say whom they are about");
  }
  return advice;
}

std::string mapped_word(const MappedNames& mapping, const char* word) {
  const auto found = mapping.find(word);
  return found == mapping.end() ? std::string{} : found->second;
}

/// Two tables may have columns of the same names.
void require_same_table(const ArchiveShelf& shelf, const ArchiveManifest& manifest) {
  const LogShape& log = shelf.database.audit_log().shape();
  const std::string what = shelf.path(shelf.file_of(manifest.run)) + ": its rows ";
  if (manifest.table != mapped_word(log.mapping, "table") ||
      mapped_word(manifest.mapping, "id") != mapped_word(log.mapping, "id")) {
    throw JobError(ExitStatus::refused,
                   what +
                       "are of another table, or have another key, than [events] says today, so "
                       "they cannot be put back; \"zstd -dc\" reads them");
  }
  if (manifest.columns != log.columns) {
    throw JobError(ExitStatus::refused,
                   what +
                       "have other columns than the log has today, so they cannot be put back; "
                       "\"zstd -dc\" reads them");
  }
}

}  // namespace

json list_archives(const Desk& desk) {
  const ArchiveShelf shelf = shelf_of(desk);
  json list = json::array();
  for (const ArchiveEntry& entry : archives_of(shelf)) {
    list.push_back(entry_json(entry, shelf.file_of(entry.run), desk.settings.archive->keep));
  }
  return {{"directory", utf8_text(shelf.store.folder())},
          {"keep", to_string(desk.settings.archive->keep)},
          {"fault",
           desk.settings.archive->fault.empty() ? json(nullptr)
                                                : json(utf8_text(desk.settings.archive->fault))},
          {"archives", std::move(list)}};
}

json verify_archives(const Desk& desk, std::int64_t run) {
  const ArchiveShelf shelf = shelf_of(desk);
  const auto findings =
      run == 0 ? check_archives(shelf) : std::vector<ArchiveFinding>{check_archive(shelf, run)};
  json result = {{"ok", true}, {"problem", nullptr}, {"archives", json::array()}};
  for (const ArchiveFinding& finding : findings) {
    result["archives"].push_back(finding_json(finding));
    if (!finding.problem.empty() && result.at("ok").get<bool>()) {
      result["ok"] = false;
      result["problem"] = utf8_text(finding.problem);
    }
  }
  return result;
}

json restore_archive(const Desk& desk, std::int64_t run, const std::vector<std::string>& keys) {
  const ArchiveShelf shelf = shelf_of(desk);
  require_administrator(desk, "put deleted rows back");
  require_clock_not_behind(desk);
  const ArchiveManifest manifest = require_whole(shelf, run);
  const ArchiveFinding finding = check_archive(shelf, run);
  if (!finding.problem.empty()) {
    throw ArchiveError(finding.problem);
  }
  require_same_table(shelf, manifest);
  const auto file = shelf.store.open(shelf.file_of(run), ArchiveUse::reading);
  if (file == nullptr) {
    throw ArchiveError(shelf.path(shelf.file_of(run)) + ": is gone since it was checked");
  }
  // The intention first, so that a call that dies on its way has its line too.
  journal_restore(
      desk, "archive_restore_begun", {{"run", run}, {"keys", keys.size()}, {"of", manifest.rows}});
  Restoring restoring(desk, manifest, {keys.begin(), keys.end()});
  std::int64_t begin = 0;
  for (const ArchiveFrame& frame : manifest.frames) {
    (void)read_rows(*file,
                    {.name = shelf.path(shelf.file_of(run)), .begin = begin, .end = frame.end},
                    shelf.head_of(run, frame.slice),
                    [&restoring](const ArchiveLine& row) { restoring.take(row); });
    begin = frame.end;
  }
  restoring.write_batch();
  json result = restoring.figures();
  result["run_id"] = run;
  result["file"] = shelf.file_of(run);
  journal_restore(desk, "archive_restored", result);
  result["advice"] = restore_advice(result);
  for (const ChildShape& child : desk.database.audit_log().shape().children) {
    result["advice"].push_back("rows of child table " + utf8_text(child.table) +
                               " that went with these are in no archive and do not come back");
  }
  return result;
}

json destroy_one_archive(const Desk& desk, std::int64_t run, const std::string& reason) {
  const ArchiveShelf shelf = shelf_of(desk);
  if (reason.empty()) {
    throw JobError(ExitStatus::invalid, "--reason may not be empty: an auditor will ask for it");
  }
  require_administrator(desk, "destroy an archive");
  require_clock_not_behind(desk);
  const ArchiveManifest manifest = require_whole(shelf, run);
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  const DecisionContext context(desk.database,
                                desk.settings,
                                policy,
                                next_clock(desk, policy).clock,
                                DecisionContext::WithoutApproval{});
  const std::string what = shelf.path(shelf.file_of(run)) + ": not destroyed: ";
  if (const auto hold = hold_over_archive(shelf, manifest, context)) {
    throw JobError(ExitStatus::refused,
                   what + "hold " + std::to_string(*hold) + " covers a row in it");
  }
  if (!destroy_archive(shelf,
                       manifest,
                       {.who = desk.who, .at = desk.now, .reason = reason},
                       context.hold_version())) {
    throw JobError(ExitStatus::refused, what + "the holds changed meanwhile; try again");
  }
  return {{"run_id", run},
          {"file", shelf.file_of(run)},
          {"rows", manifest.rows},
          {"destroyed_at", to_rfc3339(desk.now)}};
}

}  // namespace holdfast
