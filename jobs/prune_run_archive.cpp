// SPDX-License-Identifier: Apache-2.0
// The archive of a run: opened for its slices, settled when it closes; and the upkeep of old ones.

#include <utility>

#include "jobs/archive_keeper.h"
#include "jobs/archive_presence.h"
#include "jobs/prune_run.h"
#include "jobs/run_errors.h"
#include "policy/disposition_cutoff.h"

namespace holdfast {
namespace {

/// What the record of a run says about its archive.
RunArchive summary_of(const ArchiveManifest& manifest) {
  return {.file = archive_name({manifest.database, manifest.run}),
          .bytes = manifest.bytes,
          .sha256 = manifest.sha256,
          .rows = manifest.rows};
}

}  // namespace

/// Null where rows go without an archive. Where one is wanted and cannot be written, no row is due.
RowArchive* PruneRun::open_archive() {
  if (with_.archives == nullptr || context_->archive_missing()) {
    return nullptr;
  }
  const ArchiveShelf shelf{.store = *with_.archives, .database = with_.database};
  archive_.emplace(
      *with_.archives, with_.database.audit_log().shape(), shelf.head_of(report_.run_id, 0));
  return &*archive_;
}

/// A run that died may have written more than it committed. Where the folder cannot be reached now
/// that stays as it is, and a later run makes it good.
void PruneRun::settle_dead_archive(std::int64_t run) {
  if (with_.archives == nullptr) {
    return;
  }
  // A database that is not the one that the witness file knows may be a copy: the archives are then
  // those of the original, whose runs go on. What died here is settled once the two agree again.
  if (!notes_ || !notes_->comparison().agrees()) {
    return;
  }
  try {
    (void)settle_archive({.store = *with_.archives, .database = with_.database}, run);
  } catch (const ArchiveError& error) {
    warn("archive_not_settled: " + std::string(error.what()));
  }
}

/// An archive that no run finds any more is destroyed by none: somebody has to know.
void PruneRun::miss_archives() {
  try {
    const auto elsewhere = archives_not_there(with_.database, with_.archives);
    if (!elsewhere.empty()) {
      warn("archive_not_there: " + not_there_sentence(elsewhere, with_.archives));
    }
  } catch (const ArchiveError& error) {
    warn("archive_not_there: " + std::string(error.what()));
  }
}

/// Salts past [evidence].keep_salts, archives past [archive].keep, and what crashes left.
void PruneRun::tend_archives() {
  if (with_.stop.raised()) {
    return;
  }
  phase_ = "tending archives";
  {
    const auto write = with_.database.begin_write(Durability::normal);
    (void)with_.database.ledger().destroy_salts(
        disposition_cutoff(settings_.evidence.keep_salts, report_.clock.guard_now()));
    write->commit();
  }
  miss_archives();
  if (with_.archives == nullptr || !settings_.archive || context_->archive_missing()) {
    return;
  }
  const ArchiveShelf shelf{.store = *with_.archives, .database = with_.database};
  for (const std::string& doubt : tidy_archives(shelf, report_.run_id, *context_)) {
    warn("archive_not_settled: " + doubt);
  }
  try {
    const ExpiredArchives expired = destroy_expired(shelf, *context_, settings_.archive->keep);
    for (const std::string& doubt : expired.doubts) {
      warn(doubt);
    }
    for (const std::int64_t run : expired.destroyed) {
      with_.observer.note("run=" + std::to_string(report_.run_id) +
                          " archive_destroyed=" + shelf.file_of(run));
    }
  } catch (const ArchiveError& error) {
    warn("archives_not_destroyed: " + std::string(error.what()));
  }
}

/// Cuts the archive to what was committed and writes its manifest, also where the run failed.
void PruneRun::close_archive() {
  if (!archive_ || !archive_->begun() || report_.archive) {
    return;
  }
  try {
    const auto manifest = settle_archive(
        {.store = *with_.archives, .database = with_.database}, report_.run_id, archive_->frames());
    if (manifest) {
      report_.archive = summary_of(*manifest);
    }
  } catch (const std::exception& error) {
    if (report_.error) {
      warn("archive_not_settled: " + run_error(error, with_.database.path()).message);
    } else {
      fail(error);
    }
  }
}

}  // namespace holdfast
