// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/archive_format.h"
#include "jobs/archive_manifest.h"
#include "jobs/archive_store.h"
#include "jobs/decision_context.h"
#include "jobs/desk.h"
#include "policy/retention_window.h"
#include "storage/database.h"

namespace holdfast {

/// The archives of one database. Another database's files in the same folder are left alone.
struct ArchiveShelf {
  ArchiveStore& store;
  Database& database;

  /// The names of a run's archive and of its manifest.
  [[nodiscard]] std::string file_of(std::int64_t run) const;
  [[nodiscard]] std::string manifest_file_of(std::int64_t run) const;
  /// With the folder, as messages name it.
  [[nodiscard]] std::string path(const std::string& name) const {
    return store.folder() + "/" + name;
  }
  /// What the frame of a slice begins with.
  [[nodiscard]] FrameHead head_of(std::int64_t run, std::int64_t slice) const;
  /// Puts a manifest in its place.
  void write(const ArchiveManifest& manifest) const;
};

/// What became of an archive. `unfinished`: its run is going on, or died and waits for the next.
/// `unreadable`: its manifest is damaged, so nobody can tell.
enum class ArchiveState { whole, unfinished, destroyed, unreadable };
[[nodiscard]] std::string_view to_token(ArchiveState state);

/// One archive of the folder.
struct ArchiveEntry {
  std::int64_t run = 0;
  ArchiveState state = ArchiveState::unfinished;
  bool file_there = false;
  std::optional<ArchiveManifest> manifest;  ///< none where unfinished or unreadable
  std::string problem;                      ///< where unreadable
  Instant made_at = kEndOfTime;
};

/// The manifest of a run; none where there is none. Errors: ArchiveError.
[[nodiscard]] std::optional<ArchiveManifest> manifest_of(const ArchiveShelf& shelf,
                                                         std::int64_t run);

/// This database's archives, by ascending run. Errors: ArchiveError where the folder cannot be
/// read.
[[nodiscard]] std::vector<ArchiveEntry> archives_of(const ArchiveShelf& shelf);

/// Brings the archive of a run that deletes no more into its final form: cut to the last committed
/// slice, with its manifest; without one such slice, removed. `written` spares reading the frames
/// again. Doing it twice changes nothing. None where the run has no archive, or no more.
/// Errors: ArchiveError where it says less than the ledger, and where its manifest says more or is
/// the tombstone of another file: then nothing is cut and nothing removed.
[[nodiscard]] std::optional<ArchiveManifest> settle_archive(
    const ArchiveShelf& shelf, std::int64_t run, const std::vector<ArchiveFrame>& written = {});

/// What is wrong with a file beside a tombstone that is not its own; follows the name.
inline constexpr std::string_view kNotTheTombstones =
    ": is not the archive that its tombstone speaks of, so it stays: look whose it is, and move it "
    "away";

/// True where the file has the size and the SHA-256 that a manifest or a tombstone gives.
[[nodiscard]] bool is_archive_of(const ArchiveManifest& manifest, ArchiveFile& file);

/// Makes good what a crash left: archives without a manifest of runs that are over, destroyed ones
/// whose file or salt is still there, salts in manifests that the ledger has destroyed.
/// `running` is left alone. Returns what could not be mended, as sentences.
[[nodiscard]] std::vector<std::string> tidy_archives(const ArchiveShelf& shelf,
                                                     std::int64_t running,
                                                     DecisionContext& context);

/// Ends a destruction that was cut short: a destroyed archive has no file and its run no salt.
/// Where a hold covers a row by now the tombstone becomes a manifest again. Returns what stayed, as
/// a sentence, empty where nothing did. Errors: ArchiveError where the file is not the tombstone's,
/// or the holds cannot be asked; nothing is done then.
[[nodiscard]] std::string finish_destroying(const ArchiveShelf& shelf,
                                            const ArchiveManifest& tombstone,
                                            DecisionContext& context);

/// Takes the salts that the ledger has destroyed out of the manifests. Errors: ArchiveError.
void drop_destroyed_salts(const ArchiveShelf& shelf);

/// The same after an erasure; what cannot be done now is warned about and left to the nightly run.
void drop_salts_of_archives(const Desk& desk);

/// The first moment at which the nightly run may destroy an archive.
[[nodiscard]] Instant destroyed_from(Instant made_at, const RetentionWindow& keep);

/// The id of a hold that covers a row of the archive; reads it whole unless there is no hold at
/// all. Errors: ArchiveError where a row cannot be read: then nobody knows.
[[nodiscard]] std::optional<std::int64_t> hold_over_archive(const ArchiveShelf& shelf,
                                                            const ArchiveManifest& manifest,
                                                            const DecisionContext& context);

/// Destroys an archive: the tombstone first, then the file, then the run's salt in the ledger. What
/// a crash between them leaves is made good by tidy_archives(). Returns false, and does nothing,
/// where the hold register is no longer at `hold_version`, which the holds were asked at.
/// Errors: ArchiveError, StorageError.
[[nodiscard]] bool destroy_archive(const ArchiveShelf& shelf,
                                   ArchiveManifest manifest,
                                   const Signature& signature,
                                   std::int64_t hold_version);

/// Destroys what is past `keep` at the clock of `context`, unless a hold covers a row inside or
/// cannot be asked. Returns what stayed for that reason, as sentences.
struct ExpiredArchives {
  std::vector<std::int64_t> destroyed;
  std::vector<std::string> doubts;
};
[[nodiscard]] ExpiredArchives destroy_expired(const ArchiveShelf& shelf,
                                              DecisionContext& context,
                                              const RetentionWindow& keep);

}  // namespace holdfast
