// SPDX-License-Identifier: Apache-2.0
// Archives: frames of a file, lines of a frame, manifests. What is damaged is refused with an
// ArchiveError; what is read comes back byte for byte when it is written again.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/archive_format.h"
#include "jobs/archive_frames.h"
#include "jobs/archive_manifest.h"
#include "jobs/archive_store.h"
#include "policy/row_key.h"
#include "tests/fuzz/fuzz_input.h"

using namespace holdfast;
using namespace holdfast::fuzzing;

namespace {

/// A file in memory.
class MemoryFile final : public ArchiveFile {
 public:
  explicit MemoryFile(std::string bytes = {}) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::int64_t size() override { return static_cast<std::int64_t>(bytes_.size()); }
  void append(std::string_view bytes) override { bytes_ += bytes; }
  [[nodiscard]] std::string read(std::int64_t offset, std::int64_t most) override {
    require(offset >= 0 && most >= 0, "a file is read from where it can be");
    const auto at = std::min(static_cast<std::size_t>(offset), bytes_.size());
    return bytes_.substr(at, static_cast<std::size_t>(most));
  }
  void truncate(std::int64_t bytes) override { bytes_.resize(static_cast<std::size_t>(bytes)); }
  void sync() override {}
  void require_in_place() override {}

 private:
  std::string bytes_;
};

const FrameHead kHead{.database = "0a1b2c3d", .run = 3, .slice = 1};
constexpr std::int64_t kMostUnpacked = 1 << 20;  // one input may unpack to gigabytes

/// The line of a row, without its end.
std::string line_of(const ArchiveLine& row) {
  const auto values = split_canonical(row.content);
  require(values.has_value(), "the content of a row is canonical");
  std::string line;
  append_row(line, row.key, *values);
  require(std::count(line.begin(), line.end(), '\n') == 1 && line.back() == '\n',
          "a row is one line");
  line.pop_back();
  return line;
}

void check_row(std::string_view line) {
  const auto row = parse_row(line);
  if (!row) {
    return;
  }
  const auto again = parse_row(line_of(*row));
  require(again && again->content == row->content, "a row reads back from its own line");
}

void check_lines(std::string_view line) {
  check_row(line);
  if (const auto head = parse_head(line)) {
    std::string again;
    append_head(again, *head);
    const auto read = parse_head(std::string_view{again}.substr(0, again.size() - 1));
    require(read && read->run == head->run && read->slice == head->slice, "a head reads back");
  }
  if (const auto rows = parse_foot(line)) {
    std::string again;
    append_foot(again, *rows);
    require(parse_foot(std::string_view{again}.substr(0, again.size() - 1)) == rows,
            "a foot reads back");
  }
}

void check_frame(MemoryFile& file) {
  std::int64_t rows = 0;
  try {
    const FramePlace place{.name = "run-0a1b2c3d-3.ndjson.zst", .begin = 0, .end = file.size()};
    std::int64_t unpacked = 0;
    const FrameRows read = read_rows(file, place, kHead, [&](const ArchiveLine& row) {
      ++rows;
      unpacked += static_cast<std::int64_t>(row.content.size());
      if (unpacked < kMostUnpacked) {
        (void)line_of(row);
      }
    });
    require(read.rows == rows, "a frame that is whole counts the rows that it gave");
    require(first_head(file).value_or(FrameHead{}).is_of(kHead),
            "the head of a whole frame can be read alone");
  } catch (const ArchiveError&) {
    (void)first_head(file);
  }
}

/// Lines that are packed as they come: damage that the checksum of zstd does not see.
void check_packed(std::string_view text) {
  MemoryFile file;
  FrameWriter writer;
  writer.begin(file);
  writer.write(text);
  writer.end();
  check_frame(file);
}

/// Values that are drawn from the input and archived as a run does it.
void check_written(FuzzInput& input) {
  std::string content;
  while (!input.at_end()) {
    const std::size_t kind = input.below(5);
    if (kind == 0) {
      append_canonical(content, StoredView{});
    } else if (kind == 1) {
      append_canonical(content, StoredView{input.integer()});
    } else if (kind == 2) {
      append_canonical(content, StoredView{std::bit_cast<double>(input.integer())});
    } else if (kind == 3) {
      append_canonical(content, StoredView{input.text()});
    } else {
      append_canonical(content, BlobView{input.text()});
    }
  }
  const auto row = parse_row(line_of({.key = "7", .content = content}));
  require(row && row->content == content, "every row comes back byte for byte");
}

void check_manifest(const std::string& text) {
  try {
    const ArchiveManifest manifest = manifest_from(text, "manifest.json");
    (void)manifest.oldest();
    (void)TimeColumn{manifest.columns, manifest.mapping};
    const std::string written = to_text(manifest);
    require(to_text(manifest_from(written, "manifest.json")) == written,
            "a manifest reads back from its own text");
  } catch (const ArchiveError& refused) {
    require(std::string_view{refused.what()}.starts_with("manifest.json"),
            "what is refused is named");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  switch (input.below(5)) {
    case 0:
      check_lines(input.rest());
      break;
    case 1: {
      MemoryFile file{std::string{input.rest()}};
      check_frame(file);
      break;
    }
    case 2:
      check_packed(input.rest());
      break;
    case 3:
      check_written(input);
      break;
    default:
      check_manifest(std::string{input.rest()});
  }
  return 0;
}
