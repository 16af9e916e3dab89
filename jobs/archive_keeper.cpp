// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_keeper.h"

#include <algorithm>
#include <set>
#include <utility>

#include "jobs/archive_format.h"
#include "jobs/archive_frames.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::string_view kZstdMark = "\x28\xb5\x2f\xfd";  // RFC 8878, 3.1.1
constexpr std::int64_t kLongestManifest = std::int64_t{256} << 20;

std::int64_t committed_end(const std::vector<RunSlice>& slices) {
  std::int64_t end = 0;
  for (const RunSlice& slice : slices) {
    end = std::max(end, slice.archive_end.value_or(0));
  }
  return end;
}

Instant made_at(const RunLine& line) {
  return std::max(line.opening.opened_at, line.opening.as_of);
}

/// False where the file says that it belongs to another database or run, and for what is no archive
/// at all. What a killed first slice leaves may say nothing yet: then it is the run's that was
/// killed, and nobody's once that is closed.
bool may_be_ours(const ArchiveShelf& shelf, std::int64_t run, ArchiveFile& file) {
  const auto head = first_head(file);
  if (head) {
    return head->is_of(shelf.head_of(run, head->slice));
  }
  const auto line = shelf.database.ledger().find(run);
  if (!line || line->closing) {
    return false;
  }
  const std::string begin = file.read(0, static_cast<std::int64_t>(kZstdMark.size()));
  return begin == kZstdMark.substr(0, begin.size());
}

/// What the rows of an archive were read as: what it says itself, since a log can have got another
/// column while its run lay dead; an archive from before heads said it, by the log as it is.
FrameHead columns_of(const ArchiveShelf& shelf, ArchiveFile& file) {
  auto head = first_head(file).value_or(FrameHead{});
  if (head.columns.empty()) {
    const LogShape& shape = shelf.database.audit_log().shape();
    head.columns = shape.columns;
    head.mapping = shape.mapping;
  }
  return head;
}

/// The facts of one committed slice, from what the writer noted or, after a crash, from the file.
ArchiveFrame frame_of(const ArchiveShelf& shelf,
                      const RunSlice& slice,
                      std::int64_t begin,
                      ArchiveFile& file,
                      const std::vector<ArchiveFrame>& written) {
  const auto known = std::find_if(written.begin(), written.end(), [&](const ArchiveFrame& frame) {
    return frame.slice == slice.number && frame.end == slice.archive_end;
  });
  if (known != written.end()) {
    return *known;
  }
  const std::string name = shelf.path(shelf.file_of(slice.run));
  const FrameHead read_as = columns_of(shelf, file);
  const TimeColumn time(read_as.columns, read_as.mapping);
  ArchiveFrame frame{.slice = slice.number, .end = *slice.archive_end};
  const FrameRows rows =
      read_rows(file,
                {.name = name, .begin = begin, .end = frame.end},
                shelf.head_of(slice.run, slice.number),
                [&](const ArchiveLine& row) {
                  const auto values = split_canonical(row.content);
                  frame.note_row(row.key, values ? time.of(*values) : std::nullopt);
                });
  frame.bytes = frame.end - begin;
  frame.sha256 = rows.packed;
  return frame;
}

std::vector<ArchiveFrame> frames_of(const ArchiveShelf& shelf,
                                    const std::vector<RunSlice>& slices,
                                    ArchiveFile& file,
                                    const std::vector<ArchiveFrame>& written) {
  std::vector<ArchiveFrame> frames;
  std::int64_t begin = 0;
  for (const RunSlice& slice : slices) {
    if (slice.archive_end.value_or(begin) == begin) {
      continue;
    }
    ArchiveFrame frame = frame_of(shelf, slice, begin, file, written);
    if (frame.rows != slice.deleted) {
      throw ArchiveError(shelf.path(shelf.file_of(slice.run)) + ": holds " +
                         std::to_string(frame.rows) + " rows of slice " +
                         std::to_string(slice.number) + ", and the ledger has deleted " +
                         std::to_string(slice.deleted));
    }
    frame.digest = slice.digest;
    begin = frame.end;
    frames.push_back(std::move(frame));
  }
  return frames;
}

ArchiveManifest manifest_for(const ArchiveShelf& shelf,
                             std::int64_t run,
                             std::vector<ArchiveFrame> frames,
                             ArchiveFile& file) {
  const FrameHead read_as = columns_of(shelf, file);
  const auto line = shelf.database.ledger().find(run);
  const auto table = read_as.mapping.find("table");
  ArchiveManifest manifest{.run = run,
                           .database = shelf.database.identity(),
                           .made_at = line ? made_at(*line) : kEndOfTime,
                           .table = table == read_as.mapping.end() ? "" : table->second,
                           .columns = read_as.columns,
                           .mapping = read_as.mapping,
                           .salt = shelf.database.ledger().salt(run),
                           .frames = std::move(frames),
                           .bytes = file.size(),
                           .sha256 = file_sha256(file)};
  for (const ArchiveFrame& frame : manifest.frames) {
    manifest.rows += frame.rows;
  }
  return manifest;
}

/// Cuts off what no committed slice speaks of.
void trim(const ArchiveShelf& shelf, std::int64_t run, ArchiveFile& file, std::int64_t end) {
  if (file.size() < end) {
    throw ArchiveError(shelf.path(shelf.file_of(run)) + ": has " + std::to_string(file.size()) +
                       " bytes, and the ledger has seen " + std::to_string(end) +
                       ": put it back from a backup");
  }
  if (file.size() > end) {
    file.truncate(end);
    file.sync();
  }
}

/// A ledger that was put back from a backup knows less than the manifest of a run that it counts
/// again: the archive is then not cut back to what such a ledger says.
void require_not_ahead(const ArchiveShelf& shelf,
                       const ArchiveManifest& known,
                       std::int64_t committed) {
  const std::string name = shelf.path(shelf.manifest_file_of(known.run));
  if (known.database != shelf.database.identity()) {
    throw ArchiveError(name + ": is of another database, so its archive stays as it is");
  }
  if (known.bytes > committed) {
    throw ArchiveError(name + ": speaks of " + std::to_string(known.bytes) +
                       " bytes, and the ledger of " + std::to_string(committed) +
                       ": the database is a copy or was put back from a backup, so the archive "
                       "stays as it is");
  }
}

/// What a tombstone leaves to settle: nothing, where the file is its own or gone.
void require_own_tombstone(const ArchiveShelf& shelf, const ArchiveManifest& tombstone) {
  const auto file = shelf.store.open(shelf.file_of(tombstone.run), ArchiveUse::reading);
  if (file != nullptr && !is_archive_of(tombstone, *file)) {
    throw ArchiveError(shelf.path(shelf.file_of(tombstone.run)) + std::string{kNotTheTombstones});
  }
}

/// Returns what could not be mended, empty where all was.
std::string tidy_one(const ArchiveShelf& shelf, std::int64_t run, DecisionContext& context) {
  const auto manifest = manifest_of(shelf, run);
  if (!manifest) {
    const auto line = shelf.database.ledger().find(run);
    // A run without a record is one that a restored backup forgot, with its slices: not to be
    // judged by them.
    if (line && line->closing && !line->closing->record.empty()) {
      (void)settle_archive(shelf, run);
    }
  } else if (manifest->database == shelf.database.identity() && manifest->destroyed_at) {
    return finish_destroying(shelf, *manifest, context);
  }
  return {};
}

/// What stays undone or is damaged, in words; empty: nothing. One damaged archive does not keep the
/// others from being mended; verify names it too.
std::string doubt_of_one(const ArchiveShelf& shelf, std::int64_t run, DecisionContext& context) {
  try {
    return tidy_one(shelf, run, context);
  } catch (const ArchiveError& error) {
    return error.what();
  }
}

std::set<std::int64_t> runs_of_folder(const ArchiveShelf& shelf) {
  std::set<std::int64_t> runs;
  const std::string database = shelf.database.identity();
  for (const std::string& name : shelf.store.names()) {
    if (const auto run = run_of_archive(name, database)) {
      runs.insert(*run);
    }
    if (const auto run = run_of_manifest(name, database)) {
      runs.insert(*run);
    }
  }
  return runs;
}

/// One archive; none where it is another database's.
std::optional<ArchiveEntry> entry_of(const ArchiveShelf& shelf, std::int64_t run) {
  ArchiveEntry entry{.run = run};
  try {
    entry.manifest = manifest_of(shelf, run);
    const auto file = shelf.store.open(shelf.file_of(run), ArchiveUse::reading);
    entry.file_there = file != nullptr;
    if (file != nullptr && !entry.manifest && !may_be_ours(shelf, run, *file)) {
      return std::nullopt;
    }
  } catch (const ArchiveError& error) {
    entry.state = ArchiveState::unreadable;
    entry.problem = error.what();
  }
  if (entry.manifest) {
    entry.state = entry.manifest->destroyed_at ? ArchiveState::destroyed : ArchiveState::whole;
    entry.made_at = entry.manifest->made_at;
    return entry.manifest->database == shelf.database.identity() ? std::optional{std::move(entry)}
                                                                 : std::nullopt;
  }
  const auto line = shelf.database.ledger().find(run);
  entry.made_at = line ? made_at(*line) : kEndOfTime;
  return line ? std::optional{std::move(entry)} : std::nullopt;
}

}  // namespace

FrameHead ArchiveShelf::head_of(std::int64_t run, std::int64_t slice) const {
  return {.database = utf8_text(database.identity()), .run = run, .slice = slice};
}

std::string ArchiveShelf::file_of(std::int64_t run) const {
  return archive_name({.database = database.identity(), .run = run});
}

std::string ArchiveShelf::manifest_file_of(std::int64_t run) const {
  return manifest_name({.database = database.identity(), .run = run});
}

void ArchiveShelf::write(const ArchiveManifest& manifest) const {
  store.replace(manifest_file_of(manifest.run), to_text(manifest));
}

bool is_archive_of(const ArchiveManifest& manifest, ArchiveFile& file) {
  return file.size() == manifest.bytes && file_sha256(file) == manifest.sha256;
}

std::string_view to_token(ArchiveState state) {
  switch (state) {
    case ArchiveState::whole:
      return "whole";
    case ArchiveState::unfinished:
      return "unfinished";
    case ArchiveState::destroyed:
      return "destroyed";
    case ArchiveState::unreadable:
      return "unreadable";
  }
  return "unfinished";
}

std::optional<ArchiveManifest> manifest_of(const ArchiveShelf& shelf, std::int64_t run) {
  const std::string name = shelf.manifest_file_of(run);
  const auto file = shelf.store.open(name, ArchiveUse::reading);
  if (file == nullptr) {
    return std::nullopt;
  }
  std::string text;
  for (;;) {
    const std::string piece = file->read(static_cast<std::int64_t>(text.size()), kLongestManifest);
    text += piece;
    if (piece.empty() || text.size() >= static_cast<std::size_t>(kLongestManifest)) {
      break;
    }
  }
  ArchiveManifest manifest = manifest_from(text, shelf.path(name));
  if (manifest.run != run) {
    throw ArchiveError(shelf.path(name) + ": is the manifest of run " +
                       std::to_string(manifest.run) + ": files were swapped or renamed");
  }
  return manifest;
}

std::vector<ArchiveEntry> archives_of(const ArchiveShelf& shelf) {
  std::vector<ArchiveEntry> entries;
  for (const std::int64_t run : runs_of_folder(shelf)) {
    if (auto entry = entry_of(shelf, run)) {
      entries.push_back(*std::move(entry));
    }
  }
  return entries;
}

std::optional<ArchiveManifest> settle_archive(const ArchiveShelf& shelf,
                                              std::int64_t run,
                                              const std::vector<ArchiveFrame>& written) {
  const auto known = manifest_of(shelf, run);
  if (known && known->destroyed_at) {
    require_own_tombstone(shelf, *known);
    return std::nullopt;
  }
  const std::vector<RunSlice> slices = shelf.database.ledger().slices(run);
  const std::int64_t end = committed_end(slices);
  if (known) {
    require_not_ahead(shelf, *known, end);
  }
  const std::string name = shelf.file_of(run);
  auto file = shelf.store.open(name, ArchiveUse::changing);
  if (file == nullptr) {
    if (end > 0) {
      throw ArchiveError(shelf.path(name) + ": is gone, and the rows that run " +
                         std::to_string(run) + " deleted were in it: put it back from a backup");
    }
    return std::nullopt;
  }
  if (!may_be_ours(shelf, run, *file)) {
    if (end > 0) {
      throw ArchiveError(shelf.path(name) +
                         ": is of another run or another database, or says nothing, and run " +
                         std::to_string(run) + " has rows in an archive of that name");
    }
    return std::nullopt;
  }
  if (end == 0) {
    file.reset();
    (void)shelf.store.remove(name);
    return std::nullopt;
  }
  trim(shelf, run, *file, end);
  ArchiveManifest manifest =
      manifest_for(shelf, run, frames_of(shelf, slices, *file, written), *file);
  shelf.write(manifest);
  return manifest;
}

std::vector<std::string> tidy_archives(const ArchiveShelf& shelf,
                                       std::int64_t running,
                                       DecisionContext& context) {
  std::vector<std::string> doubts;
  try {
    for (const std::int64_t run : runs_of_folder(shelf)) {
      std::string doubt = run == running ? "" : doubt_of_one(shelf, run, context);
      if (!doubt.empty()) {
        doubts.push_back(std::move(doubt));
      }
    }
    drop_destroyed_salts(shelf);
  } catch (const ArchiveError& error) {
    doubts.emplace_back(error.what());
  }
  return doubts;
}

void drop_destroyed_salts(const ArchiveShelf& shelf) {
  for (const ArchiveEntry& entry : archives_of(shelf)) {
    if (entry.state == ArchiveState::whole && !entry.manifest->salt.empty() &&
        shelf.database.ledger().salt(entry.run).empty()) {
      ArchiveManifest manifest = *entry.manifest;
      manifest.salt.clear();
      shelf.write(manifest);
    }
  }
}

void drop_salts_of_archives(const Desk& desk) {
  if (desk.archives == nullptr) {
    return;
  }
  try {
    drop_destroyed_salts({.store = *desk.archives, .database = desk.database});
  } catch (const ArchiveError& error) {
    desk.observer.warn(std::string("a salt that the ledger has destroyed may still stand in a "
                                   "manifest until the next run: ") +
                       error.what());
  }
}

}  // namespace holdfast
