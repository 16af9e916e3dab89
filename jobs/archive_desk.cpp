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
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kBatch = 500;  // rows put back in one short write

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

/// Puts rows back in batches.
class Restoring {
 public:
  Restoring(const Desk& desk, const ArchiveManifest& manifest, std::set<std::string> keys)
      : desk_(desk),
        reader_(manifest),
        run_(manifest.run),
        keys_(std::move(keys)),
        missing_(keys_) {}

  void take(const ArchiveLine& row) {
    if (!keys_.empty() && !keys_.contains(row.key)) {
      return;
    }
    missing_.erase(row.key);
    batch_.emplace_back(*reader_.read(row.content).key, row.content);
    if (batch_.size() == kBatch) {
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
  }

  [[nodiscard]] json figures() const {
    json missing = json::array();
    for (const std::string& key : missing_) {
      missing.push_back(utf8_text(key));
    }
    return {{"restored", restored_},
            {"already_there", already_there_},
            {"not_in_it", std::move(missing)}};
  }

 private:
  const Desk& desk_;
  ArchivedRowReader reader_;
  std::int64_t run_;
  std::set<std::string> keys_;
  std::set<std::string> missing_;
  std::vector<std::pair<RowKey, std::string>> batch_;
  std::int64_t restored_ = 0;
  std::int64_t already_there_ = 0;
};

void journal_restore(const Desk& desk, const std::string& what, const json& detail) {
  const auto write = desk.database.begin_write(Durability::full);
  note_in_journal(desk, what, compact(detail), "");
  write->commit();
}

json restore_advice(const Desk& desk) {
  json advice = json::array(
      {"the rows are as due as they were: the next run deletes them again, unless a hold covers "
       "them; \"holdfast hold place --event-id ID\" before that run keeps them"});
  const auto requests = desk.database.erasures().all();
  if (std::any_of(requests.begin(), requests.end(), [](const ErasureRequest& request) {
        return request.state == ErasureState::completed;
      })) {
    advice.push_back(
        "people have been erased since: \"holdfast erasure reapply\" erases those whom the archive "
        "has brought back");
  }
  return advice;
}

void require_same_columns(const ArchiveShelf& shelf, const ArchiveManifest& manifest) {
  if (manifest.columns != shelf.database.audit_log().shape().columns) {
    throw JobError(ExitStatus::refused,
                   shelf.path(shelf.file_of(manifest.run)) +
                       ": its rows have other columns than the log has today, so they cannot be "
                       "put back; \"zstd -dc\" reads them");
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
  require_same_columns(shelf, manifest);
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
  result["advice"] = restore_advice(desk);
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
