// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace holdfast {

/// One text as a cell after RFC 4180. A text that a spreadsheet would take for a formula (it starts
/// with = + - @, a tab or a line end) gets a single quote in front.
[[nodiscard]] std::string csv_text(std::string_view text);

/// A value as a cell: numbers as they are, objects and lists as JSON, null as an empty cell.
[[nodiscard]] std::string csv_cell(const nlohmann::json& value);

/// A table as CSV: UTF-8, CRLF, a first line of names. Objects and lists inside a cell are JSON,
/// null is an empty cell, and an empty text is "".
class CsvTable {
 public:
  explicit CsvTable(std::vector<std::string> columns);

  /// Adds a line of the columns' members of an object; what it lacks is an empty cell.
  void add(const nlohmann::json& object);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::vector<std::string> columns_;
  std::string text_;
};

/// One line per tenant and category of a run, every reason a column: kept_hold, kept_window.
[[nodiscard]] std::string csv_report(const nlohmann::json& record);

/// One line per run, as list_runs() gives them.
[[nodiscard]] std::string csv_runs(const nlohmann::json& list);

}  // namespace holdfast
