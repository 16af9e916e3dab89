// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "jobs/cli/console.h"
#include "jobs/cli/render.h"
#include "jobs/json_text.h"
#include "policy/reason.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLines = 30;
constexpr std::size_t kMostExcess = 8;

std::string kept_words(const json& kept) {
  std::string words;
  for (const auto& [reason, rows] : kept.items()) {
    words += (words.empty() ? "" : ", ") + reason + " " + rows.dump();
  }
  return words.empty() ? "-" : words;
}

std::string table_by_tenant(const json& lines) {
  TextTable table(
      {"tenant", "category", "window", "disposition cut-off", "rows", "deleted", "kept and why"});
  for (const json& line : lines) {
    table.add({cell(line.at("tenant"), "(none)"),
               cell(line.at("category"), "(unknown code)"),
               cell(line.at("window")),
               cell(line.at("disposition_cutoff")),
               line.at("examined").dump(),
               line.at("deleted").dump(),
               kept_words(line.at("kept"))});
  }
  return table.text();
}

/// One category over all tenants.
struct CategorySum {
  std::int64_t tenants = 0;
  std::int64_t examined = 0;
  std::int64_t deleted = 0;
  std::map<std::string, std::int64_t> kept;
  std::set<std::string> windows;
};

std::map<std::string, CategorySum> sum_over_tenants(const json& lines) {
  std::map<std::string, CategorySum> sums;
  for (const json& line : lines) {
    CategorySum& sum = sums[cell(line.at("category"), "(unknown code)")];
    ++sum.tenants;
    sum.examined += line.at("examined").get<std::int64_t>();
    sum.deleted += line.at("deleted").get<std::int64_t>();
    sum.windows.insert(cell(line.at("window")));
    for (const auto& [reason, rows] : line.at("kept").items()) {
      sum.kept[reason] += rows.get<std::int64_t>();
    }
  }
  return sums;
}

std::string table_by_category(const json& lines) {
  TextTable table({"category", "windows", "tenants", "rows", "deleted", "kept and why"});
  for (const auto& [category, sum] : sum_over_tenants(lines)) {
    std::string windows;
    for (const std::string& window : sum.windows) {
      windows += (windows.empty() ? "" : ", ") + window;
    }
    table.add({category,
               windows,
               std::to_string(sum.tenants),
               std::to_string(sum.examined),
               std::to_string(sum.deleted),
               kept_words(json(sum.kept))});
  }
  return table.text() + "(over all tenants; --json has every tenant)\n";
}

/// A page for one person: with many tenants the sums per category, otherwise every line.
std::string figures_table(const json& figures) {
  const json& lines = figures.at("categories");
  return lines.size() > kMostLines ? table_by_category(lines) : table_by_tenant(lines);
}

std::string reasons_table(const json& figures) {
  TextTable table({"kept because", "rows", "meaning"});
  for (const auto& [token, rows] : figures.at("kept_by_reason").items()) {
    const auto reason = parse_reason(token);
    if (rows != 0 && reason) {
      table.add({token, rows.dump(), std::string(meaning(*reason))});
    }
  }
  return table.text();
}

std::string sum_line(const json& figures, const char* verb) {
  return "rows " + figures.at("rows_before").dump() + " = " + verb + " " +
         figures.at("deleted").dump() + " + kept " + figures.at("kept").dump() + "\n";
}

std::string excess_line(const json& entry) {
  return "  " + cell(entry.at("tenant"), "rows without a tenant") + ", " +
         cell(entry.at("category")) + ": " + entry.at("due").dump() + " of " +
         entry.at("rows").dump() + " rows\n";
}

std::string excess_lines(const json& list) {
  std::string text;
  std::size_t shown = 0;
  for (const json& entry : list) {
    if (entry.at("why") == "first_run") {
      text += "  the first run of this database\n";
    } else if (++shown <= kMostExcess) {
      text += excess_line(entry);
    }
  }
  if (shown > kMostExcess) {
    text += "  and " + std::to_string(shown - kMostExcess) +
            " more categories over [safety].max_category_share (--json lists them)\n";
  }
  return text;
}

/// Rows of other tables, in no sum of the log. Logs without children have no such line.
std::string children_line(const json& figures, const char* verb) {
  std::string text;
  for (const json& child : figures.value("children_deleted", json::array())) {
    text += (text.empty() ? "" : ", ") + cell(child.at("table")) + " " +
            cell(child.at("rows"), "(not counted)");
  }
  return text.empty() ? "" : std::string{verb} + " with them, from child tables: " + text + "\n";
}

std::string partition_lines(const json& storage) {
  if (!storage.contains("partitions")) {
    return "";  // a record of an older version
  }
  const json& partitions = storage.at("partitions");
  std::int64_t rows = 0;
  std::string text;
  for (const json& line : partitions.at("dropped")) {
    rows += line.at("rows").get<std::int64_t>();
  }
  if (!partitions.at("dropped").empty()) {
    text = "partitions dropped: " + std::to_string(partitions.at("dropped").size()) + " with " +
           std::to_string(rows) + " of the deleted rows; the log was locked for " +
           partitions.at("longest_lock_ms").dump() + " ms at most\n";
  }
  for (const json& line : partitions.at("row_by_row")) {
    text += "partition " + cell(line.at("name")) + ", row by row: " + cell(line.at("why")) + "\n";
  }
  return text;
}

/// Rows deleted are not space freed, so both are printed. Records of older versions lack the parts.
std::string space_line(const json& storage) {
  if (!storage.contains("file_bytes_before") || storage.at("file_bytes_before").is_null()) {
    return "";
  }
  if (const json vacuum = storage.value("vacuum", json(nullptr)); vacuum.is_string()) {
    return "database: " + storage.at("file_bytes_before").dump() + " bytes before, " +
           storage.at("file_bytes").dump() +
           " after; the room of deleted rows is freed by autovacuum, or at once by " +
           cell(vacuum) + "\n";
  }
  const std::string given_back =
      storage.at("incremental_vacuum").get<bool>()
          ? "; " + storage.at("given_back_bytes").dump() + " given back by incremental vacuum"
          : std::string{};
  return "database file: " + storage.at("file_bytes_before").dump() + " bytes before (" +
         storage.at("free_bytes_before").dump() + " free), " + storage.at("file_bytes").dump() +
         " after (" + storage.at("free_bytes").dump() + " free for new rows)" + given_back + "\n";
}

std::string warning_lines(const json& list) {
  std::string text;
  for (const json& warning : list) {
    text += "note: " + cell(warning) + "\n";
  }
  return text;
}

}  // namespace

std::string cell(const json& value, const std::string& nothing) {
  if (value.is_null()) {
    return nothing;
  }
  if (value.is_string() && value.get_ref<const std::string&>().empty()) {
    return "(empty)";
  }
  return value.is_string() ? one_line(value.get_ref<const std::string&>()) : value.dump();
}

std::string render_plan(const json& plan) {
  std::string text = "plan " + cell(plan.at("digest")) + "\nas of " + cell(plan.at("as_of")) +
                     "\n\n" + figures_table(plan) + "\n" + reasons_table(plan) + "\n" +
                     sum_line(plan, "to delete") + children_line(plan, "to delete");
  if (plan.at("one_pass").get<bool>()) {
    text += "The whole table was read once, in " + plan.at("planning_ms").dump() + " ms" +
            (plan.at("index_advice").is_null() ? std::string(".\n")
                                               : "; with this index only what is due is read:\n  " +
                                                     cell(plan.at("index_advice")) + "\n");
  }
  for (const json& partition : plan.value("partitions", json::array())) {
    text += "partition " + cell(partition.at("name")) +
            (partition.at("objection").is_null()
                 ? std::string{" goes as a whole if each of its rows is to go\n"}
                 : ", row by row: " + cell(partition.at("objection")) + "\n");
  }
  text += warning_lines(plan.at("warnings"));
  if (!plan.at("would_be_refused").is_null()) {
    text += "A run now would be refused: " + cell(plan.at("would_be_refused")) + "\n";
  }
  if (!plan.at("needs_approval").empty()) {
    text += "Needs an administrator's approval:\n" + excess_lines(plan.at("needs_approval"));
    text += plan.at("saved").get<bool>()
                ? "next: holdfast approve " + cell(plan.at("digest")).substr(0, 12) + "\n"
                : std::string("next: holdfast plan --save\n");
  } else if (!plan.at("approved_plan").is_null()) {
    text += "Approved: the next run is bound to plan " + cell(plan.at("approved_plan")) + "\n";
  }
  return text;
}

std::string render_run_line(const json& report) {
  std::string line = "run " + report.at("run_id").dump() + " " + cell(report.at("outcome")) + ": " +
                     report.at("deleted").dump() + " rows deleted";
  if (!report.at("kept").is_null()) {
    line += ", " + report.at("kept").dump() + " kept";
    if (!report.at("digest").is_null()) {  // otherwise the run did not plan
      const json& kept = report.at("kept_by_reason");
      const auto left =
          kept.at("not_reached").get<std::int64_t>() + kept.at("limit").get<std::int64_t>();
      line += ", " + std::to_string(left) + " due and left";
    }
  }
  return line;
}

std::string render_run(const json& report) {
  std::string text = render_run_line(report) + "\n";
  if (report.contains("error")) {
    text += "why: " + plain_lines(report.at("error").at("message").get<std::string>()) + "\n";
  }
  text += "as of " + cell(report.at("as_of")) + ", system clock " +
          cell(report.at("clock").at("system_now")) + "\npolicy version " +
          report.at("policy").at("version").dump() + ", digest " +
          cell(report.at("policy").at("digest")) + "\n";
  if (!report.at("approved_by").is_null()) {
    text += "approved by " + cell(report.at("approved_by")) + ", plan " +
            cell(report.at("approved_plan")) + "\n";
  }
  if (report.at("rows_before").is_null()) {
    return text;
  }
  text += "\n" + figures_table(report) + "\n" + reasons_table(report) + "\n" +
          sum_line(report, "deleted") + children_line(report, "deleted") +
          "rows after: " + cell(report.at("rows_after")) + " (" + report.at("appended").dump() +
          " came during the run)\n";
  if (!report.at("limited").empty()) {
    text += "Left whole by the safety limit:\n" + excess_lines(report.at("limited")) +
            "next: holdfast plan --save, then holdfast approve DIGEST\n";
  }
  const json& storage = report.at("storage");
  text += storage.at("slices").dump() + " slices, longest write lock " +
          storage.at("longest_lock_ms").dump() + " ms, " + storage.at("duration_ms").dump() +
          " ms in all\n" + partition_lines(storage) + space_line(storage);
  return text + warning_lines(report.at("warnings"));
}

std::string render_approval(const json& approval) {
  if (approval.contains("run_clock")) {
    std::string text =
        "run clock before: " + cell(approval.at("run_clock_before"), "none") +
        "\nsystem clock at the last run: " + cell(approval.at("system_clock_before"), "none") +
        "\nrun clock now: " + cell(approval.at("run_clock")) + ", set by " +
        cell(approval.at("set_by")) + "\n";
    for (const json& line : approval.at("lowered")) {
      text += "lowered: " + cell(line) + "\n";
    }
    return text;
  }
  return "approved plan " + cell(approval.at("approved")) + ": " + approval.at("rows").dump() +
         " rows, by " + cell(approval.at("approved_by")) + "\nlapses " +
         cell(approval.at("lapses_at")) + "\nnext: holdfast run\n";
}

std::string render_check(const json& check) {
  std::string text;
  for (const json& finding : check.at("findings")) {
    text += cell(finding.at("weight")) + ": " + cell(finding.at("message")) + "\n";
  }
  return text + (check.at("findings").empty() ? "nothing is wrong or doubtful" : "checked") + "; " +
         check.at("rows").dump() + " rows in the log\n" +
         (check.at("set_up").get<bool>() ? "" : "next: holdfast init\n");
}

}  // namespace holdfast
