// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_manifest.h"

#include <algorithm>

#include "jobs/archive_store.h"
#include "jobs/digest.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "holdfast-archive/1";

json frame_json(const ArchiveFrame& frame) {
  return {{"slice", frame.slice},
          {"rows", frame.rows},
          {"bytes", frame.bytes},
          {"end", frame.end},
          {"sha256", frame.sha256},
          {"digest", frame.digest}};
}

std::optional<Instant> time_of(const json& value) {
  if (value.is_null()) {
    return std::nullopt;
  }
  const auto time = parse_rfc3339(value.get<std::string>());
  return time ? std::optional{*time} : std::nullopt;
}

/// Keys and times stand once for the whole archive; the first and last frame carry them again.
void read_ends(const json& value, ArchiveManifest& manifest) {
  if (manifest.frames.empty()) {
    return;
  }
  manifest.frames.front().first_key = value.at("first_key").get<std::string>();
  manifest.frames.back().last_key = value.at("last_key").get<std::string>();
  manifest.frames.front().oldest = time_of(value.at("oldest"));
  manifest.frames.front().newest = time_of(value.at("newest"));
}

ArchiveManifest read_manifest(const json& value) {
  ArchiveManifest manifest{.run = whole_number(value.at("run_id")),
                           .database = value.at("database_id").get<std::string>(),
                           .made_at = time_of(value.at("made_at")).value_or(kEndOfTime),
                           .table = value.at("table").get<std::string>(),
                           .columns = value.at("columns").get<ColumnNames>(),
                           .mapping = value.at("mapping").get<MappedNames>(),
                           .rows = whole_number(value.at("rows")),
                           .bytes = whole_number(value.at("bytes")),
                           .sha256 = value.at("sha256").get<std::string>()};
  if (!value.at("salt").is_null()) {
    manifest.salt = bytes_of_hex(value.at("salt").get<std::string>()).value_or("");
  }
  for (const json& frame : value.at("frames")) {
    manifest.frames.push_back({.slice = whole_number(frame.at("slice")),
                               .rows = whole_number(frame.at("rows")),
                               .bytes = whole_number(frame.at("bytes")),
                               .end = whole_number(frame.at("end")),
                               .sha256 = frame.at("sha256").get<std::string>(),
                               .digest = frame.at("digest").get<std::string>()});
  }
  if (value.contains("destroyed_at")) {
    manifest.destroyed_at = time_of(value.at("destroyed_at")).value_or(kBeginningOfTime);
    manifest.why = value.at("why").get<std::string>();
  } else {
    read_ends(value, manifest);
  }
  return manifest;
}

}  // namespace

void ArchiveFrame::note_row(const std::string& key, const std::optional<Instant>& time) {
  if (rows == 0) {
    first_key = key;
  }
  last_key = key;
  ++rows;
  if (time) {
    oldest = std::min(oldest.value_or(*time), *time);
    newest = std::max(newest.value_or(*time), *time);
  }
}

TimeColumn::TimeColumn(const ColumnNames& columns, const MappedNames& mapping)
    : column_(columns.size()) {
  const auto name = mapping.find("time");
  const auto format = mapping.find("time_format");
  if (name != mapping.end() && format != mapping.end()) {
    column_ = static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name->second) -
                                       columns.begin());
    format_ = parse_time_format(format->second);
  }
}

std::optional<Instant> TimeColumn::of(std::span<const StoredView> values) const {
  return column_ < values.size() && format_ ? parse_event_time(values[column_], *format_)
                                            : std::nullopt;
}

std::optional<Instant> ArchiveManifest::oldest() const {
  std::optional<Instant> found;
  for (const ArchiveFrame& frame : frames) {
    if (frame.oldest) {
      found = std::min(found.value_or(*frame.oldest), *frame.oldest);
    }
  }
  return found;
}

std::optional<Instant> ArchiveManifest::newest() const {
  std::optional<Instant> found;
  for (const ArchiveFrame& frame : frames) {
    if (frame.newest) {
      found = std::max(found.value_or(*frame.newest), *frame.newest);
    }
  }
  return found;
}

std::string to_text(const ArchiveManifest& manifest) {
  json mapping = json::object();
  for (const auto& [word, column] : manifest.mapping) {
    mapping[word] = utf8_text(column);
  }
  json columns = json::array();
  for (const std::string& column : manifest.columns) {
    columns.push_back(utf8_text(column));
  }
  json frames = json::array();
  for (const ArchiveFrame& frame : manifest.frames) {
    frames.push_back(frame_json(frame));
  }
  json value = {{"format", kFormat},
                {"run_id", manifest.run},
                {"database_id", utf8_text(manifest.database)},
                {"made_at", to_rfc3339(manifest.made_at)},
                {"table", utf8_text(manifest.table)},
                {"columns", std::move(columns)},
                {"mapping", std::move(mapping)},
                {"salt", nullptr},
                {"frames", std::move(frames)},
                {"rows", manifest.rows},
                {"bytes", manifest.bytes},
                {"sha256", manifest.sha256}};
  if (manifest.destroyed_at) {
    value["destroyed_at"] = to_rfc3339(*manifest.destroyed_at);
    value["why"] = utf8_text(manifest.why);
    return compact(value) + "\n";
  }
  if (!manifest.salt.empty()) {
    value["salt"] = hex_of_bytes(manifest.salt);
  }
  const bool empty = manifest.frames.empty();
  value["first_key"] = empty ? "" : utf8_text(manifest.frames.front().first_key);
  value["last_key"] = empty ? "" : utf8_text(manifest.frames.back().last_key);
  value["oldest"] = json_time(manifest.oldest());
  value["newest"] = json_time(manifest.newest());
  return compact(value) + "\n";
}

ArchiveManifest manifest_from(const std::string& text, const std::string& name) {
  try {
    const json value = json::parse(text);
    if (value.at("format") != kFormat) {
      throw ArchiveError(name + ": is of a format that this version does not know");
    }
    return read_manifest(value);
  } catch (const json::exception&) {
    // What nlohmann says names its own types; the reader needs the file and what to do.
    throw ArchiveError(name + ": is no manifest of an archive, or is damaged: put it back from a " +
                       "backup");
  }
}

}  // namespace holdfast
