// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jobs/log_findings.h"
#include "policy/time_format_guess.h"
#include "storage/database_survey.h"
#include "storage/log_mapping.h"

namespace holdfast {

/// What some rows of a column had in it.
struct ColumnSample {
  explicit ColumnSample(Instant latest_plausible) : time(latest_plausible) {}
  void add(const StoredView& value);

  TimeFormatGuess time;
  std::set<std::string> different;  ///< up to kMostDifferent of them
  std::int64_t values = 0;          ///< NULLs are not among them
  std::int64_t texts = 0;
  std::int64_t could_be_codes = 0;  ///< integers, and texts that are not long
  static constexpr std::size_t kMostDifferent = 500;
};

/// A table with a sample of it.
struct SampledTable {
  SurveyTable table;
  std::string unread = {};            ///< why its rows could not be read
  std::vector<ColumnSample> columns;  ///< in the order of table.columns
};

/// Reads a sample of every table, or only of the one of this name; the others have none then.
[[nodiscard]] std::vector<SampledTable> sample_tables(DatabaseSurvey& survey,
                                                      Instant now,
                                                      const std::string& only = {});

/// One setting of [events], why it was chosen, and whether it is left for a person to decide.
struct DraftSetting {
  std::string key;
  std::string value;  ///< as TOML
  std::string why;
  bool open = false;  ///< written as a comment
};

/// What a table would be as the audit log.
struct LogDraft {
  std::string application;  ///< a known one; empty: it was worked out
  std::string table;
  int score = 0;  ///< higher is likelier; 0 or less: it is none
  std::vector<std::string> reasons;
  LogMapping mapping;
  std::vector<DraftSetting> settings;
  std::vector<std::string> unused_persons;  ///< columns that seem to name persons, in no setting
  std::vector<std::string> missing;         ///< whole sentences; empty: the mapping can be tried
};

/// Works out what the table would be. Pure.
[[nodiscard]] LogDraft draft_of(const SampledTable& sampled);

/// The drafts of all tables that could be the audit log, the likeliest first.
[[nodiscard]] std::vector<LogDraft> rank(const std::vector<SampledTable>& tables);

/// What a draft does not know by itself. `codes`: the name of their list, empty for none.
struct DraftPlace {
  std::string database;         ///< the file, or the url of a server's database
  std::string state_directory;  ///< beside a url; empty: it is a file
  std::string table;            ///< of a known application, as this database has it
  std::string codes;
  bool built_in_codes = false;
  std::string administrator;
};

/// The whole configuration: no window is in force.
[[nodiscard]] std::string draft_config(const LogDraft& draft,
                                       const LogFindings& findings,
                                       const DraftPlace& place);

/// Where witness file, reports and archives may go, as comments for the end of a configuration.
[[nodiscard]] std::string elsewhere_section(const DraftPlace& place);

/// A TOML string with whatever may not stand in it escaped.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace holdfast
