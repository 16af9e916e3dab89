// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jobs/archive_format.h"
#include "policy/event_time.h"
#include "policy/instant.h"
#include "policy/stored_value.h"

namespace holdfast {

/// The rows of one slice in an archive.
struct ArchiveFrame {
  std::int64_t slice = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::int64_t end = 0;  ///< bytes of the file up to and with this frame
  std::string sha256;    ///< of its bytes in the file
  std::string digest;    ///< of its rows as the ledger has it; empty where none was made
  std::string first_key;
  std::string last_key;
  std::optional<Instant> oldest;  ///< of times that can be read
  std::optional<Instant> newest;

  void note_row(const std::string& key, const std::optional<Instant>& time);
};

/// Where the time of an archived row stands.
class TimeColumn {
 public:
  TimeColumn(const ColumnNames& columns, const MappedNames& mapping);
  /// None where the value is no time.
  [[nodiscard]] std::optional<Instant> of(std::span<const StoredView> values) const;

 private:
  std::size_t column_;
  std::optional<TimeFormat> format_;
};

/// What stands beside an archive: what is in it and how to check it. Once the archive is destroyed
/// it is the tombstone: when and why, without keys and without the salt.
struct ArchiveManifest {
  std::int64_t run = 0;
  std::string database;
  Instant made_at;  ///< system clock of the run, or its run clock where that is later
  std::string table;
  ColumnNames columns;
  MappedNames mapping;
  std::string salt;  ///< empty: destroyed, or never drawn
  std::vector<ArchiveFrame> frames;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::string sha256;
  std::optional<Instant> destroyed_at;
  std::string why;

  /// The oldest and the newest time of all frames.
  [[nodiscard]] std::optional<Instant> oldest() const;
  [[nodiscard]] std::optional<Instant> newest() const;
};

/// The manifest as its file holds it: JSON, keys sorted, one line.
[[nodiscard]] std::string to_text(const ArchiveManifest& manifest);
/// Errors: ArchiveError that begins with `name` where the text is no manifest.
[[nodiscard]] ArchiveManifest manifest_from(const std::string& text, const std::string& name);

}  // namespace holdfast
