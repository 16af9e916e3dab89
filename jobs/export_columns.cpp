// SPDX-License-Identifier: Apache-2.0
#include "jobs/export_columns.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>

#include "jobs/json_text.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr const char* kWithheld = "[withheld]";
constexpr double kLargestExact = 9007199254740992.0;  // of the whole numbers in a real

/// The JSON that a text is, where it is an object or a list.
json structure_in(const std::string& text) {
  json parsed = parse_foreign(text);
  return parsed.is_structured() ? parsed : json(nullptr);
}

bool is_whole(double real) {
  return std::isfinite(real) && std::trunc(real) == real && std::abs(real) <= kLargestExact;
}

json shown_text(const ThirdPersons& persons, const std::string& text) {
  const json structure = structure_in(text);
  if (persons.shown(structure) != structure) {
    return kWithheld;
  }
  // The bytes are compared as they are, and made UTF-8 afterwards.
  const json shown = persons.shown(json(text));
  return shown == json(text) ? json(utf8_text(text)) : shown;
}

}  // namespace

ExportColumns export_columns(Database& database, const Settings& settings) {
  const auto there = database.subjects().unmapped_columns(LogPlace::log);
  const auto& shape = database.audit_log().shape();
  std::set<std::string> wanted;
  if (settings.exports) {
    wanted.insert(settings.exports->columns.begin(), settings.exports->columns.end());
  }
  for (const std::string& name : wanted) {
    if (std::find(shape.columns.begin(), shape.columns.end(), name) == shape.columns.end()) {
      throw StorageError(StorageTrouble::mapping,
                         "[export].columns names \"" + utf8_text(name) +
                             "\", and the table of [events] has no such column: write its name as "
                             "the table has it, or take it out");
    }
  }
  ExportColumns columns;
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (wanted.contains(there[i])) {
      columns.positions.push_back(i);
      columns.names.push_back(there[i]);
    } else {
      columns.withheld.push_back(there[i]);
    }
  }
  return columns;
}

void take_said(const ExportColumns& columns, std::span<const StoredView> row, SaidWords& said) {
  for (const std::size_t position : columns.positions) {
    const StoredView& value = row[position];
    if (const auto* const text = std::get_if<std::string_view>(&value)) {
      said.take(json(std::string{*text}));
      said.take(structure_in(std::string{*text}));
    } else if (const auto* const blob = std::get_if<BlobView>(&value)) {
      said.take(json(std::string{blob->bytes}));
      said.take(structure_in(std::string{blob->bytes}));
    } else if (const auto* const real = std::get_if<double>(&value);
               real != nullptr && is_whole(*real)) {
      said.take(json(static_cast<std::int64_t>(*real)));
    } else {
      said.take(export_value(value));
    }
  }
}

json shown_column(const ThirdPersons& persons, const StoredView& value) {
  if (const auto* const text = std::get_if<std::string_view>(&value)) {
    return shown_text(persons, std::string{*text});
  }
  if (const auto* const blob = std::get_if<BlobView>(&value)) {
    const std::string bytes{blob->bytes};
    return shown_text(persons, bytes) == json(utf8_text(bytes)) ? export_value(value)
                                                                : json(kWithheld);
  }
  if (const auto* const real = std::get_if<double>(&value); real != nullptr && is_whole(*real)) {
    const json shown = persons.shown(json(static_cast<std::int64_t>(*real)));
    return shown.is_string() ? shown : persons.shown(export_value(value));
  }
  return persons.shown(export_value(value));
}

std::string withheld_columns_doubt(Database& database, const Settings& settings) {
  if (!settings.exports) {
    return {};
  }
  std::string names;
  for (const std::string& name : export_columns(database, settings).withheld) {
    names += (names.empty() ? "" : ", ") + utf8_text(name);
  }
  return names.empty() ? names
                       : "no copy of a person's data has these columns of the log, because "
                         "[events] does not say what they mean: " +
                             names +
                             "; map them there, or list in [export].columns those that say nothing "
                             "about other persons";
}

}  // namespace holdfast
