// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_frames.h"

#include <zstd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "jobs/digest.h"

namespace holdfast {
namespace {

constexpr int kLevel = 3;                     // zstd's own default
constexpr std::int64_t kPiece = 131'072;      // read or written at once
constexpr int kJobBytes = 1 << 20;            // that zstd's thread compresses as one
constexpr std::size_t kGivenAtOnce = 65'536;  // lines are shorter, and each handing over costs
constexpr std::size_t kLongestHead = std::size_t{4} << 20;  // of its line, with all columns

[[noreturn]] void fail(const FramePlace& place, const std::string& what) {
  throw ArchiveError(place.name + ": the frame at byte " + std::to_string(place.begin) + " " +
                     what);
}

/// Unpacks pieces of one frame.
class Unpacker {
 public:
  Unpacker() : context_(ZSTD_createDCtx()), out_(ZSTD_DStreamOutSize(), '\0') {
    if (context_ == nullptr) {
      throw ArchiveError("zstd cannot be started: is there memory left?");
    }
  }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  Unpacker(Unpacker&&) = delete;
  Unpacker& operator=(Unpacker&&) = delete;
  ~Unpacker() { ZSTD_freeDCtx(context_); }

  /// Returns an empty text, or what zstd says against the bytes.
  template <typename Visit>
  [[nodiscard]] std::string feed(std::string_view packed, Visit visit) {
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    while (in.pos < in.size) {
      if (whole_) {
        return "more than one frame";
      }
      if (std::string problem = feed_once(in, visit); !problem.empty()) {
        return problem;
      }
    }
    return {};
  }
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  /// A full buffer may leave more to come from the same input.
  template <typename Visit>
  [[nodiscard]] std::string feed_once(ZSTD_inBuffer& in, Visit& visit) {
    for (bool full = true; full;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const std::size_t left = ZSTD_decompressStream(context_, &out, &in);
      if (ZSTD_isError(left) != 0) {
        return ZSTD_getErrorName(left);
      }
      visit(std::string_view{out_.data(), out.pos});
      whole_ = left == 0;
      full = out.pos == out.size && !whole_;
    }
    return {};
  }

  ZSTD_DCtx* context_;
  std::string out_;
  bool whole_ = false;
};

/// Cuts text that comes in pieces into lines.
class LineCutter {
 public:
  explicit LineCutter(const LineVisit& visit) : visit_(visit) {}
  void add(std::string_view text) {
    for (;;) {
      const std::size_t line_end = text.find('\n');
      if (line_end == std::string_view::npos) {
        begun_ += text;
        return;
      }
      if (begun_.empty()) {
        visit_(text.substr(0, line_end));
      } else {
        begun_ += text.substr(0, line_end);
        visit_(begun_);
        begun_.clear();
      }
      text.remove_prefix(line_end + 1);
    }
  }
  [[nodiscard]] bool at_line_end() const { return begun_.empty(); }

 private:
  const LineVisit& visit_;
  std::string begun_;
};

}  // namespace

FrameWriter::FrameWriter() : context_(ZSTD_createCCtx()), out_(ZSTD_CStreamOutSize(), '\0') {
  if (context_ == nullptr ||
      ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kLevel)) != 0 ||
      ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1)) != 0) {
    throw ArchiveError("zstd cannot be started: is there memory left?");
  }
  // A library that has no threads compresses in this one.
  (void)ZSTD_CCtx_setParameter(context_, ZSTD_c_nbWorkers, 1);
  (void)ZSTD_CCtx_setParameter(context_, ZSTD_c_jobSize, kJobBytes);
}

FrameWriter::~FrameWriter() {
  ZSTD_freeCCtx(context_);
}

void FrameWriter::begin(ArchiveFile& file) {
  (void)ZSTD_CCtx_reset(context_, ZSTD_reset_session_only);
  ZSTD_inBuffer nothing{nullptr, 0, 0};
  ZSTD_outBuffer out{out_.data(), out_.size(), 0};
  if (ZSTD_isError(ZSTD_compressStream2(context_, &out, &nothing, ZSTD_e_continue)) != 0) {
    // The system may have no thread to give.
    (void)ZSTD_CCtx_reset(context_, ZSTD_reset_session_only);
    (void)ZSTD_CCtx_setParameter(context_, ZSTD_c_nbWorkers, 0);
    out.pos = 0;
  }
  file_ = &file;
  in_.clear();
  filled_ = out.pos;
}

void FrameWriter::write(std::string_view text) {
  in_ += text;
  if (in_.size() >= kGivenAtOnce) {
    compress(in_, Directive::go_on);
    in_.clear();
  }
}

void FrameWriter::end() {
  compress(in_, Directive::end_frame);
  in_.clear();
  write_out();
}

void FrameWriter::write_out() {
  file_->append(std::string_view{out_}.substr(0, filled_));
  filled_ = 0;
}

void FrameWriter::compress(std::string_view text, Directive directive) {
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  for (bool done = false; !done;) {
    ZSTD_outBuffer out{out_.data(), out_.size(), filled_};
    const std::size_t left = ZSTD_compressStream2(
        context_, &out, &in, directive == Directive::go_on ? ZSTD_e_continue : ZSTD_e_end);
    if (ZSTD_isError(left) != 0) {
      throw ArchiveError(std::string("zstd cannot compress the rows: ") + ZSTD_getErrorName(left));
    }
    filled_ = out.pos;
    if (filled_ == out_.size()) {
      write_out();
    }
    done = directive == Directive::go_on ? in.pos == in.size : left == 0;
  }
}

FrameSums read_frame(ArchiveFile& file, const FramePlace& place, const LineVisit& visit) {
  Sha256 packed;
  Sha256 text;
  Unpacker unpacker;
  LineCutter lines(visit);
  for (std::int64_t at = place.begin; at < place.end;) {
    const std::string piece = file.read(at, std::min(kPiece, place.end - at));
    if (piece.empty()) {
      fail(place, "ends with the file at byte " + std::to_string(at) + ": the file was cut off");
    }
    packed.update(piece);
    const std::string problem = unpacker.feed(piece, [&](std::string_view part) {
      text.update(part);
      lines.add(part);
    });
    if (!problem.empty()) {
      fail(place, "is damaged: " + problem);
    }
    at += static_cast<std::int64_t>(piece.size());
  }
  if (!unpacker.whole() || !lines.at_line_end()) {
    fail(place, "is not whole");
  }
  return {.packed = packed.hex(), .text = text.hex()};
}

namespace {

/// Throws unless the first line of a frame is its head.
void require_head(const FramePlace& place, const FrameHead& head, std::string_view line) {
  const auto found = parse_head(line);
  if (!found || !found->is_of(head)) {
    fail(place,
         "is not the one of run " + std::to_string(head.run) + ", slice " +
             std::to_string(head.slice) + ", of this database: it begins with " +
             std::string{line.substr(0, 200)});
  }
}

}  // namespace

FrameRows read_rows(ArchiveFile& file,
                    const FramePlace& place,
                    const FrameHead& head,
                    const std::function<void(const ArchiveLine&)>& visit) {
  FrameRows found;
  bool begun = false;
  std::optional<std::int64_t> foot;
  const FrameSums sums = read_frame(file, place, [&](std::string_view line) {
    if (!std::exchange(begun, true)) {
      require_head(place, head, line);
      return;
    }
    if (const auto row = foot ? std::nullopt : parse_row(line)) {
      visit(*row);
      ++found.rows;
      return;
    }
    const auto rows = foot ? std::nullopt : parse_foot(line);
    if (!rows) {
      fail(place, "has a line that no archive has, after row " + std::to_string(found.rows));
    }
    foot = rows;
  });
  if (foot != found.rows) {
    fail(place, "does not hold the rows that it counts");
  }
  found.packed = sums.packed;
  return found;
}

std::optional<FrameHead> first_head(ArchiveFile& file) {
  Unpacker unpacker;
  std::string text;
  for (std::int64_t at = 0; text.find('\n') == std::string::npos;) {
    const std::string piece = file.read(at, kPiece);
    at += static_cast<std::int64_t>(piece.size());
    const std::string problem =
        unpacker.feed(piece, [&](std::string_view part) { text += part.substr(0, kLongestHead); });
    if (text.size() > kLongestHead ||
        ((piece.empty() || !problem.empty()) && text.find('\n') == std::string::npos)) {
      break;
    }
  }
  return parse_head(std::string_view{text}.substr(0, text.find('\n')));
}

std::string file_sha256(ArchiveFile& file) {
  Sha256 digest;
  std::int64_t at = 0;
  for (std::string piece = file.read(at, kPiece); !piece.empty(); piece = file.read(at, kPiece)) {
    digest.update(piece);
    at += static_cast<std::int64_t>(piece.size());
  }
  return digest.hex();
}

}  // namespace holdfast
