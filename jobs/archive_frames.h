// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "jobs/archive_format.h"
#include "jobs/archive_store.h"

struct ZSTD_CCtx_s;

namespace holdfast {

/// Compresses text into one zstd frame after the other at the end of a file, as it comes and in a
/// thread of zstd's own: memory does not grow with the text. Each frame carries zstd's own
/// checksum.
class FrameWriter {
 public:
  FrameWriter();
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;
  FrameWriter(FrameWriter&&) = delete;
  FrameWriter& operator=(FrameWriter&&) = delete;
  ~FrameWriter();

  /// Begins a frame, and forgets one that was not ended. The file outlives the frame.
  void begin(ArchiveFile& file);
  void write(std::string_view text);
  /// Writes the rest of the frame. Errors of all three: ArchiveError.
  void end();

 private:
  enum class Directive { go_on, end_frame };
  void compress(std::string_view text, Directive directive);

  void write_out();

  ZSTD_CCtx_s* context_;
  ArchiveFile* file_ = nullptr;
  std::string in_;   // not given to zstd yet
  std::string out_;  // its first `filled_` bytes are compressed and not written yet
  std::size_t filled_ = 0;
};

/// Where one frame stands: `[begin, end)` of a file that messages call `name`.
struct FramePlace {
  std::string name;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Digests of one frame, in lower-case hex.
struct FrameSums {
  std::string packed;  ///< SHA-256 of the bytes in the file
  std::string text;    ///< SHA-256 of what they unpack to
};

using LineVisit = std::function<void(std::string_view)>;

/// Unpacks exactly one frame and calls `visit` with every line of it, without the line end. Memory
/// does not grow with the frame. Errors: ArchiveError where the bytes are not one whole frame.
[[nodiscard]] FrameSums read_frame(ArchiveFile& file,
                                   const FramePlace& place,
                                   const LineVisit& visit);

/// The same for the rows of a frame, between its head and its foot. Errors: ArchiveError also where
/// the head is another one, or the foot counts other rows.
struct FrameRows {
  std::int64_t rows = 0;
  std::string packed;  ///< FrameSums::packed
};
[[nodiscard]] FrameRows read_rows(ArchiveFile& file,
                                  const FramePlace& place,
                                  const FrameHead& head,
                                  const std::function<void(const ArchiveLine&)>& visit);

/// The head of the first frame of a file, also where the rest of the frame is not there yet. None
/// where not even that can be read.
[[nodiscard]] std::optional<FrameHead> first_head(ArchiveFile& file);

/// SHA-256 of a whole file, in lower-case hex.
[[nodiscard]] std::string file_sha256(ArchiveFile& file);

}  // namespace holdfast
