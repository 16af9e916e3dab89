// SPDX-License-Identifier: Apache-2.0
// The end of an archive: when it may be destroyed, what holds say to that, and the deed.

#include <algorithm>

#include "jobs/archive_format.h"
#include "jobs/archive_frames.h"
#include "jobs/archive_keeper.h"
#include "jobs/archived_row.h"
#include "jobs/json_text.h"
#include "policy/disposition_cutoff.h"

namespace holdfast {
namespace {

constexpr std::string_view kGone =
    ": is gone, though its manifest is there: put it back from wherever it was moved to";

}  // namespace

Instant destroyed_from(Instant made_at, const RetentionWindow& keep) {
  return deletable_from(made_at, keep);
}

std::optional<std::int64_t> hold_over_archive(const ArchiveShelf& shelf,
                                              const ArchiveManifest& manifest,
                                              const DecisionContext& context) {
  const ArchiveHolds holds(manifest, context);
  if (holds.empty()) {
    return std::nullopt;
  }
  const std::string name = shelf.file_of(manifest.run);
  const auto file = shelf.store.open(name, ArchiveUse::reading);
  if (file == nullptr) {
    throw ArchiveError(shelf.path(name) + std::string{kGone});
  }
  ArchivedRowReader reader(manifest);
  std::optional<std::int64_t> found;
  std::int64_t begin = 0;
  for (const ArchiveFrame& frame : manifest.frames) {
    (void)read_rows(*file,
                    {.name = shelf.path(name), .begin = begin, .end = frame.end},
                    shelf.head_of(manifest.run, frame.slice),
                    [&](const ArchiveLine& row) {
                      found = found ? found : holds.covering(reader.read(row.content));
                    });
    if (found) {
      break;
    }
    begin = frame.end;
  }
  return found;
}

namespace {

/// The manifest that a tombstone was made from: what it lacks is read from the file.
ArchiveManifest manifest_again(const ArchiveShelf& shelf,
                               const ArchiveManifest& tombstone,
                               ArchiveFile& file) {
  ArchiveManifest manifest = tombstone;
  manifest.destroyed_at.reset();
  manifest.why.clear();
  manifest.salt = shelf.database.ledger().salt(tombstone.run);
  const TimeColumn time(manifest.columns, manifest.mapping);
  std::int64_t begin = 0;
  for (ArchiveFrame& frame : manifest.frames) {
    frame.rows = 0;
    (void)read_rows(
        file,
        {.name = shelf.path(shelf.file_of(manifest.run)), .begin = begin, .end = frame.end},
        shelf.head_of(manifest.run, frame.slice),
        [&](const ArchiveLine& row) {
          const auto values = split_canonical(row.content);
          frame.note_row(row.key, values ? time.of(*values) : std::nullopt);
        });
    begin = frame.end;
  }
  return manifest;
}

}  // namespace

std::string finish_destroying(const ArchiveShelf& shelf,
                              const ArchiveManifest& tombstone,
                              DecisionContext& context) {
  const std::string name = shelf.file_of(tombstone.run);
  const auto file = shelf.store.open(name, ArchiveUse::reading);
  if (file == nullptr && shelf.database.ledger().salt(tombstone.run).empty()) {
    return {};
  }
  std::optional<std::int64_t> hold;
  if (file != nullptr) {
    if (!is_archive_of(tombstone, *file)) {
      throw ArchiveError(shelf.path(name) + std::string{kNotTheTombstones});
    }
    (void)context.refresh_holds();
    hold = hold_over_archive(shelf, tombstone, context);
  }
  const auto write = shelf.database.begin_write(Durability::full);
  if (file != nullptr && shelf.database.holds().version() != context.hold_version()) {
    return shelf.path(name) +
           ": its destruction was cut short, and the holds changed while it was to be ended; the "
           "next run looks again";
  }
  if (hold) {
    shelf.write(manifest_again(shelf, tombstone, *file));
    return shelf.path(name) + ": its destruction was cut short, and hold " + std::to_string(*hold) +
           " covers a row in it now: it stays, with its manifest as it was";
  }
  (void)shelf.store.remove(name);
  shelf.database.ledger().destroy_salt(tombstone.run);
  write->commit();
  return {};
}

bool destroy_archive(const ArchiveShelf& shelf,
                     ArchiveManifest manifest,
                     const Signature& signature,
                     std::int64_t hold_version) {
  const std::string name = shelf.file_of(manifest.run);
  if (shelf.store.open(name, ArchiveUse::reading) == nullptr) {
    // Moved away, it would be called destroyed, and nobody would ever look for it again.
    throw ArchiveError(shelf.path(name) + std::string{kGone});
  }
  // Under the write lock, so that no hold can be placed between the question and the deed.
  const auto write = shelf.database.begin_write(Durability::full);
  if (shelf.database.holds().version() != hold_version) {
    return false;
  }
  manifest.destroyed_at = signature.at;
  manifest.why = signature.reason;
  manifest.salt.clear();
  shelf.write(manifest);
  (void)shelf.store.remove(name);
  shelf.database.ledger().destroy_salt(manifest.run);
  shelf.database.journal().add(
      {.by = signature,
       .what = "archive_destroyed",
       .detail = compact({{"run", manifest.run}, {"rows", manifest.rows}})});
  write->commit();
  return true;
}

namespace {

/// A shorter keep waits like any loosening: an archive has to be past that of every version of the
/// policy that is still in force.
Instant destroyed_from_all(Instant made_at,
                           const RetentionWindow& keep,
                           const DecisionContext& context) {
  Instant from = destroyed_from(made_at, keep);
  for (const RuleBook* older : context.frame().older_policies) {
    if (const auto& other = older->snapshot().archive_keep) {
      from = std::max(from, destroyed_from(made_at, *other));
    }
  }
  return from;
}

/// Destroys one that is past its time. Returns why it stays, in words; empty: it is gone.
std::string destroy_one_expired(const ArchiveShelf& shelf,
                                const ArchiveEntry& entry,
                                DecisionContext& context) {
  const std::string what =
      shelf.path(shelf.file_of(entry.run)) + " is past [archive].keep and stays: ";
  try {
    if (const auto hold = hold_over_archive(shelf, *entry.manifest, context)) {
      return "archive_held: " + what + "hold " + std::to_string(*hold) + " covers a row in it";
    }
    const bool destroyed = destroy_archive(shelf,
                                           *entry.manifest,
                                           {.who = "holdfast",
                                            .at = context.frame().clock.system_now,
                                            .reason = "past [archive].keep"},
                                           context.hold_version());
    return destroyed
               ? ""
               : "archive_held: " + what + "the holds changed meanwhile; the next run looks again";
  } catch (const ArchiveError& error) {
    return "archive_unreadable: " + what + error.what();
  }
}

}  // namespace

ExpiredArchives destroy_expired(const ArchiveShelf& shelf,
                                DecisionContext& context,
                                const RetentionWindow& keep) {
  ExpiredArchives result;
  (void)context.refresh_holds();
  const RunClock& clock = context.frame().clock;
  for (const ArchiveEntry& entry : archives_of(shelf)) {
    if (entry.state != ArchiveState::whole ||
        clock.guard_now() < destroyed_from_all(entry.made_at, keep, context)) {
      continue;
    }
    if (std::string doubt = destroy_one_expired(shelf, entry, context); doubt.empty()) {
      result.destroyed.push_back(entry.run);
    } else {
      result.doubts.push_back(std::move(doubt));
    }
  }
  return result;
}

}  // namespace holdfast
