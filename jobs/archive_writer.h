// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/archive_format.h"
#include "jobs/archive_frames.h"
#include "jobs/archive_manifest.h"
#include "jobs/archive_store.h"
#include "jobs/digest.h"
#include "jobs/row_archive.h"
#include "storage/audit_log.h"

namespace holdfast {

/// Writes the archive of one run: a zstd frame per slice that deletes something, compressed as the
/// rows come. The file is made with the first row, so that a run that deletes nothing leaves none.
class ArchiveWriter final : public RowArchive {
 public:
  /// `store` and `shape` outlive the writer. Nothing is touched before the first row.
  ArchiveWriter(ArchiveStore& store, const LogShape& shape, FrameHead run);

  /// Cuts off what a failed slice left, and the frame of the same slice where it is tried again.
  void start_slice(std::int64_t number) override;
  void add(const RowKey& key, std::string_view content) override;
  [[nodiscard]] std::int64_t finish_slice() override;

  /// True once the file is made.
  [[nodiscard]] bool begun() const { return file_ != nullptr; }
  /// The frames so far, those of slices that were not committed after all included.
  [[nodiscard]] const std::vector<ArchiveFrame>& frames() const { return frames_; }

 private:
  [[nodiscard]] std::int64_t end() const { return frames_.empty() ? 0 : frames_.back().end; }
  void make_file();
  void begin_frame();
  void put(const std::string& text);

  ArchiveStore& store_;
  FrameHead head_;
  TimeColumn time_;
  std::unique_ptr<ArchiveFile> file_;
  FrameWriter writer_;
  std::vector<ArchiveFrame> frames_;
  ArchiveFrame frame_;           // of the slice under way
  std::optional<Sha256> given_;  // of its text
  std::string line_;
};

}  // namespace holdfast
