// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/html_report.h"

#include "jobs/cli/html_report_parts.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kHashPrefix = 8;

PageMark mark_of(const json& record) {
  const std::string run = "run " + words_of(part(record, "run_id"), "without a number");
  const json& hash = part(record, "run_hash");
  const std::string words = hash.is_string()
                                ? run + ", hash " + hash.get<std::string>().substr(0, kHashPrefix)
                                : run + ", not chained";
  return {.title = "Holdfast " + run + ": " + words_of(part(record, "outcome")), .words = words};
}

/// What the outcome means, in a sentence.
std::string outcome_sentence(const std::string& outcome) {
  if (outcome == "completed") {
    return "Done: every row was decided, and what was due is gone.";
  }
  if (outcome == "partial") {
    return "Stopped early at a budget: consistent, and rows that are due are left for the next run.";
  }
  if (outcome == "limited") {
    return "Warning: one or more categories were left whole by the safety limit.";
  }
  if (outcome == "refused") {
    return "Refused: nothing was deleted.";
  }
  if (outcome == "interrupted") {
    return "Interrupted by a signal: what was committed until then is whole.";
  }
  if (outcome == "invalid") {
    return "Error: configuration, policy or mapping cannot be used, and nothing was deleted.";
  }
  return "Error: the run failed. What its committed slices deleted is listed.";
}

/// "12 rows before = 5 deleted + 7 kept".
Html sum_sentence(const json& record) {
  const json& kept = part(record, "kept");
  std::string text = "Rows before: " + words_of(part(record, "rows_before")) +
                     " = deleted: " + words_of(part(record, "deleted")) +
                     " + kept: " + words_of(kept) + ".";
  const json& erased = part(record, "erased");
  if (erased.is_number_integer() && erased != 0) {
    text += " Erasures took " + rows_words(erased) + " more.";
  }
  text += " Rows after: " + words_of(part(record, "rows_after")) + ".";
  if (!part(record, "digest").is_null() && number_part(record, "rows_remaining") != 0) {
    text += " Due and left for the next run: " + words_of(part(record, "rows_remaining")) + ".";
  }
  return element("p", {{"class", "lead"}}, Html::text(text));
}

Html warnings(const json& record) {
  Html lines;
  for (const json& warning : list_part(record, "warnings")) {
    lines += element("li", Html::text("Warning: ") + shown(warning));
  }
  return lines.empty() ? Html{} : element("ul", {{"class", "note"}}, lines);
}

}  // namespace

Html not_recorded() {
  return paragraph(
      "Not recorded: the run was made by a version without this group, or came to an "
      "end before it was known.");
}

std::string rows_words(const json& value) {
  return words_of(value) + (value == 1 ? " row" : " rows");
}

Html report_summary(const ReportSource& source) {
  const json& record = source.record;
  Html made = element("h1", Html::text(source.mark.title)) +
              paragraph(Html::text(outcome_sentence(words_of(part(record, "outcome")))));
  if (const json& error = part(record, "error"); !error.is_null()) {
    made += element("p",
                    {{"class", "note"}},
                    Html::text("Why: ") + shown(part(error, "message")) + Html::text(" (") +
                        shown(part(error, "reason")) + Html::text(")"));
  }
  return made + sum_sentence(record) + warnings(record);
}

std::string html_report(const json& record, const ReportLinks& links) {
  const json& own = part(part(record, "authority"), "catalogue_url");
  const ReportSource source{
      .record = record,
      .mark = mark_of(record),
      .catalogue_url = own.is_string() ? own.get<std::string>() : links.catalogue_url};
  return html_page(source.mark,
                   report_summary(source) + report_charts(source) + report_origin(source) +
                       report_figures(source) + report_registers(source) + report_proof(source));
}

}  // namespace holdfast
