// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_check.h"

#include <limits>
#include <set>
#include <utility>

#include "jobs/archive_format.h"
#include "jobs/archive_frames.h"
#include "jobs/slice_digest.h"

#include <nlohmann/json.hpp>

namespace holdfast {
namespace {

using nlohmann::json;

/// The slices of a run that put rows into its archive.
std::vector<RunSlice> archived_slices(const ArchiveShelf& shelf, std::int64_t run) {
  std::vector<RunSlice> found;
  std::int64_t end = 0;
  for (RunSlice& slice : shelf.database.ledger().slices(run)) {
    if (slice.archive_end.value_or(end) != end) {
      end = *slice.archive_end;
      found.push_back(std::move(slice));
    }
  }
  return found;
}

/// The SHA-256 that the closed record of the run gives its archive; empty where it gives none.
std::string recorded_sha256(const RunLine& line) {
  const json record =
      json::parse(line.closing ? line.closing->record : std::string{}, nullptr, false);
  if (!record.is_object()) {
    return {};
  }
  const json archive = record.value("integrity", json::object()).value("archive", json(nullptr));
  return archive.is_object() ? archive.value("sha256", std::string{}) : std::string{};
}

/// One archive with everything that has to agree about it.
class Check {
 public:
  Check(const ArchiveShelf& shelf, std::int64_t run)
      : shelf_(shelf),
        line_(shelf.database.ledger().find(run)),
        slices_(archived_slices(shelf, run)) {
    found_.run = run;
    found_.file = shelf.file_of(run);
  }

  [[nodiscard]] ArchiveFinding result() {
    try {
      look();
    } catch (const ArchiveError& error) {
      found_.problem = error.what();
    }
    return found_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ArchiveError(shelf_.path(found_.file) + ": " + what);
  }

  void look() {
    const auto manifest = manifest_of(shelf_, found_.run);
    file_ = shelf_.store.open(found_.file, ArchiveUse::reading);
    if (!manifest) {
      look_without_manifest();
      return;
    }
    if (manifest->database != shelf_.database.identity()) {
      fail("is of another database, by its manifest");
    }
    found_.rows = manifest->rows;
    if (manifest->destroyed_at) {
      found_.state = ArchiveState::destroyed;
      if (file_ != nullptr && !is_archive_of(*manifest, *file_)) {
        throw ArchiveError(shelf_.path(found_.file) + std::string{kNotTheTombstones});
      }
      if (file_ != nullptr) {
        fail("is destroyed by its manifest, and is still there: the next run removes it");
      }
      return;
    }
    if (file_ == nullptr) {
      fail("is gone, and its manifest is there: put it back from a backup");
    }
    look_at_bytes(*manifest);
    look_at_frames(*manifest);
    look_at_ledger(*manifest);
  }

  /// True for a run that the database forgot when a backup was put back: its line came from the
  /// witness file, without record and slices.
  [[nodiscard]] bool forgotten() const {
    return line_ && line_->closing && line_->closing->record.empty();
  }

  void look_without_manifest() {
    found_.state = ArchiveState::unfinished;
    if (line_ && !line_->closing) {
      return;  // the run is going on, or the next one closes it
    }
    if (file_ == nullptr) {
      fail(slices_.empty() ? "there is no such archive"
                           : "is gone with its manifest, and the rows that the run deleted were "
                             "in it: put both back from a backup");
    }
    fail("has no manifest: the next run writes it, if the archive is whole");
  }

  void look_at_bytes(const ArchiveManifest& manifest) {
    if (file_->size() != manifest.bytes) {
      fail("has " + std::to_string(file_->size()) + " bytes and not the " +
           std::to_string(manifest.bytes) + " of its manifest");
    }
  }

  void look_at_frames(const ArchiveManifest& manifest) {
    std::string salt = shelf_.database.ledger().salt(found_.run);
    if (salt.empty()) {
      salt = manifest.salt;
    }
    found_.digests = !salt.empty();
    std::int64_t begin = 0;
    std::int64_t rows = 0;
    for (const ArchiveFrame& frame : manifest.frames) {
      look_at_frame(frame, begin, salt);
      begin = frame.end;
      rows += frame.rows;
    }
    if (begin != manifest.bytes || rows != manifest.rows) {
      fail("has other rows or bytes than the frames of its manifest have together");
    }
    if (file_sha256(*file_) != manifest.sha256) {
      fail("does not have the SHA-256 of its manifest");
    }
  }

  void look_at_frame(const ArchiveFrame& frame, std::int64_t begin, const std::string& salt) {
    std::optional<SliceDigest> digest;
    if (!salt.empty() && !frame.digest.empty()) {
      digest.emplace(salt);
    }
    const FrameRows rows =
        read_rows(*file_,
                  {.name = shelf_.path(found_.file), .begin = begin, .end = frame.end},
                  shelf_.head_of(found_.run, frame.slice),
                  [&](const ArchiveLine& row) {
                    if (digest) {
                      digest->add(row.content);
                    }
                  });
    const std::string slice = "slice " + std::to_string(frame.slice);
    if (rows.packed != frame.sha256 || rows.rows != frame.rows) {
      fail(slice + " is not the one that its manifest describes");
    }
    if (digest && digest->hex() != frame.digest) {
      fail("the rows of " + slice + " do not have the digest of the rows that were deleted");
    }
  }

  void look_at_ledger(const ArchiveManifest& manifest) {
    if (!line_) {
      fail("is of a run that the ledger does not know: was the database put back from a backup?");
    }
    if (slices_.empty() && forgotten()) {
      return;
    }
    if (slices_.size() != manifest.frames.size()) {
      fail("has " + std::to_string(manifest.frames.size()) + " slices, and the ledger has " +
           std::to_string(slices_.size()));
    }
    for (std::size_t i = 0; i < slices_.size(); ++i) {
      const RunSlice& slice = slices_[i];
      const ArchiveFrame& frame = manifest.frames[i];
      if (slice.number != frame.slice || slice.deleted != frame.rows ||
          slice.archive_end != frame.end || slice.digest != frame.digest) {
        fail("slice " + std::to_string(slice.number) + " is not as the ledger has it");
      }
    }
    const std::string recorded = recorded_sha256(*line_);
    if (!recorded.empty() && recorded != manifest.sha256) {
      fail("does not have the SHA-256 that the record of its run gives");
    }
  }

  const ArchiveShelf& shelf_;
  std::optional<RunLine> line_;
  std::vector<RunSlice> slices_;
  std::unique_ptr<ArchiveFile> file_;
  ArchiveFinding found_;
};

}  // namespace

ArchiveFinding check_archive(const ArchiveShelf& shelf, std::int64_t run) {
  return Check(shelf, run).result();
}

std::vector<ArchiveFinding> check_archives(const ArchiveShelf& shelf) {
  std::set<std::int64_t> runs;
  for (const ArchiveEntry& entry : archives_of(shelf)) {
    runs.insert(entry.run);
  }
  for (const RunLine& line :
       shelf.database.ledger().newest(std::numeric_limits<std::int64_t>::max())) {
    if (!runs.contains(line.id) && !archived_slices(shelf, line.id).empty()) {
      runs.insert(line.id);
    }
  }
  std::vector<ArchiveFinding> findings;
  findings.reserve(runs.size());
  for (const std::int64_t run : runs) {
    findings.push_back(check_archive(shelf, run));
  }
  return findings;
}

}  // namespace holdfast
