// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/stored_value.h"

namespace holdfast {

/// One run of one database: databases that share a folder count their runs each for itself.
struct ArchivedRun {
  std::string database;  ///< Database::identity(); its first eight letters are in the names
  std::int64_t run = 0;
};

/// "run-0a1b2c3d-12.ndjson.zst" and "run-0a1b2c3d-12.manifest.json".
[[nodiscard]] std::string archive_name(const ArchivedRun& of);
[[nodiscard]] std::string manifest_name(const ArchivedRun& of);
/// The run of this database that such a name belongs to; none for any other name.
[[nodiscard]] std::optional<std::int64_t> run_of_archive(std::string_view name,
                                                         std::string_view database);
[[nodiscard]] std::optional<std::int64_t> run_of_manifest(std::string_view name,
                                                          std::string_view database);

using ColumnNames = std::vector<std::string>;
/// [events] as it was resolved when the rows were archived: LogShape::mapping.
using MappedNames = std::map<std::string, std::string>;

/// What the first line of a frame says.
struct FrameHead {
  std::string database;  ///< Database::identity()
  std::int64_t run = 0;
  std::int64_t slice = 0;
  ColumnNames columns = {};  ///< of its rows; empty where it does not say, as before 2026-12
  MappedNames mapping = {};

  /// Whether it is the head of the same frame, whatever it says of its columns.
  [[nodiscard]] bool is_of(const FrameHead& frame) const {
    return database == frame.database && run == frame.run && slice == frame.slice;
  }
  [[nodiscard]] bool operator==(const FrameHead&) const = default;
};

/// One deleted row in an archive.
struct ArchiveLine {
  std::string key;      ///< RowKey::display(), with \xNN for what is not UTF-8
  std::string content;  ///< the canonical bytes of RowContent
};

// The lines of a frame, each with its line end: the head, a line per row, and the foot with the
// number of rows, which is known only when the last one is in.
void append_head(std::string& out, const FrameHead& head);
/// {"k":KEY,"v":[[TYPE,TEXT],...]}: types n i r t b as in the canonical bytes; integers decimal,
/// reals with 17 digits, text as it is, bytes as hex. Text that is not UTF-8 has type th and is
/// hex; a NaN has type rh and is the hex of its eight bytes, because it has many faces.
void append_row(std::string& out, const std::string& key, std::span<const StoredView> values);
void append_foot(std::string& out, std::int64_t rows);

// Their readers, without the line end. None for a line that has not exactly this form.
[[nodiscard]] std::optional<FrameHead> parse_head(std::string_view line);
[[nodiscard]] std::optional<ArchiveLine> parse_row(std::string_view line);
[[nodiscard]] std::optional<std::int64_t> parse_foot(std::string_view line);

}  // namespace holdfast
