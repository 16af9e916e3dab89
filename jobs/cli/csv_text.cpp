// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/csv_text.h"

#include <utility>

#include "jobs/cli/html_page.h"
#include "jobs/json_text.h"
#include "policy/reason.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::string_view kFormulaStarts = "=+-@\t\r\n";

/// One of the reasons is called as a line's own member is: "window".
std::string column_of(Reason reason) {
  return "kept_" + std::string(to_token(reason));
}

}  // namespace

std::string csv_text(std::string_view text) {
  std::string cell;
  if (!text.empty() && kFormulaStarts.find(text.front()) != std::string_view::npos) {
    cell += '\'';
  }
  cell += utf8_text(text);
  if (!cell.empty() && cell.find_first_of("\",\r\n\t ;'") == std::string::npos) {
    return cell;
  }
  std::string quoted = "\"";
  for (const char letter : cell) {
    quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  }
  return quoted + '"';
}

std::string csv_cell(const json& value) {
  if (value.is_null()) {
    return "";
  }
  // A number is no formula, whatever its sign.
  return value.is_string()       ? csv_text(value.get_ref<const std::string&>())
         : value.is_structured() ? csv_text(compact(value))
                                 : value.dump();
}

CsvTable::CsvTable(std::vector<std::string> columns) : columns_(std::move(columns)) {
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    text_ += (at == 0 ? "" : ",") + csv_text(columns_[at]);
  }
  text_ += "\r\n";
}

void CsvTable::add(const json& object) {
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    text_ += (at == 0 ? "" : ",") + csv_cell(part(object, columns_[at].c_str()));
  }
  text_ += "\r\n";
}

std::string csv_report(const json& record) {
  std::vector<std::string> columns = {"run_id",
                                      "outcome",
                                      "as_of",
                                      "tenant",
                                      "category",
                                      "window",
                                      "disposition_cutoff",
                                      "examined",
                                      "deleted"};
  for (const Reason reason : kAllReasons) {
    if (reason != Reason::expired) {
      columns.push_back(column_of(reason));
    }
  }
  for (const char* name : {"oldest_kept", "newest_deleted", "run_hash"}) {
    columns.emplace_back(name);
  }
  CsvTable table(columns);
  for (const json& line : list_part(record, "categories")) {
    json cells = line;
    for (const Reason reason : kAllReasons) {
      const std::string token{to_token(reason)};
      cells[column_of(reason)] = number_part(part(line, "kept"), token.c_str());
    }
    for (const char* name : {"run_id", "outcome", "as_of", "run_hash"}) {
      cells[name] = part(record, name);
    }
    table.add(cells);
  }
  return table.text();
}

std::string csv_runs(const json& list) {
  CsvTable table({"run", "opened_at", "as_of", "outcome", "deleted", "error", "started_by"});
  for (const json& line : list_part(list, "runs")) {
    table.add(line);
  }
  return table.text();
}

}  // namespace holdfast
