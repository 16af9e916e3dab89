// SPDX-License-Identifier: Apache-2.0
// Groups 7 to 9 of a record: holds, erasures, and what was out of the ordinary.
#include "jobs/cli/html_report_parts.h"

namespace holdfast {
namespace {

using nlohmann::json;

std::string hold_state(const json& hold) {
  if (!part(hold, "released_at").is_null()) {
    return "released " + words_of(part(hold, "released_at"));
  }
  return part(hold, "past_review") == true ? "active, past review" : "active";
}

Html holds_table(const ReportSource& source) {
  HtmlTable table("Holds",
                  {{.heading = "hold", .share = 6},
                   {.heading = "matter", .share = 14},
                   {.heading = "kind", .share = 11},
                   {.heading = "placed by", .share = 10},
                   {.heading = "placed", .share = 12},
                   {.heading = "basis", .share = 13},
                   {.heading = "state", .share = 13},
                   {.heading = "review by", .share = 12},
                   {.heading = "rows kept", .figures = true, .share = 9}},
                  source.mark);
  for (const json& hold : list_part(source.record, "holds")) {
    table.add({shown(part(hold, "hold")),
               shown(part(hold, "matter")),
               Html::text(words_of(part(hold, "kind")) +
                          (part(hold, "locked") == true ? ", locked" : "")),
               shown(part(hold, "placed_by")),
               shown(part(hold, "placed_at")),
               shown(part(hold, "basis"), "none given"),
               Html::text(hold_state(hold)),
               shown(part(hold, "review_by"), "no date"),
               shown(part(hold, "rows_kept"))});
  }
  return table.html();
}

/// Records of older versions say only how many rows each hold kept.
Html kept_by_hold(const ReportSource& source) {
  HtmlTable table("Rows kept by hold",
                  {{.heading = "hold"}, {.heading = "rows", .figures = true}},
                  source.mark);
  for (const json& line : list_part(source.record, "kept_by_hold")) {
    table.add({shown(part(line, "hold")), shown(part(line, "rows"))});
  }
  return table.html();
}

Html holds(const ReportSource& source) {
  const json& record = source.record;
  if (!part(record, "holds").is_array()) {
    return section("7. Holds", not_recorded() + kept_by_hold(source));
  }
  HtmlFacts facts("Holds in short", source.mark);
  facts.add("holds that cover no row", shown(part(record, "holds_without_rows"), "none"));
  facts.add("released since the last run",
            shown(part(record, "holds_released_since_last"), "none"));
  return section("7. Holds",
                 holds_table(source) + facts.html() +
                     paragraph("Persons are not named here: the register of holds has the terms."));
}

/// A list of requests, or their number.
Html requests(const json& value) {
  return shown(value, "none");
}

Html completed_table(const ReportSource& source, const json& list) {
  HtmlTable table("Completed erasures",
                  {{.heading = "request"},
                   {.heading = "token"},
                   {.heading = "completed by"},
                   {.heading = "approved by"},
                   {.heading = "overridden holds"}},
                  source.mark);
  for (const json& line : list) {
    if (line.is_object()) {
      table.add({shown(part(line, "request_id")),
                 shown(part(line, "token")),
                 shown(part(line, "completed_by")),
                 shown(part(line, "approved_by")),
                 shown(part(line, "overridden"), "no")});
    } else {
      table.add({shown(line), Html::text("-"), Html::text("-"), Html::text("-"), Html::text("-")});
    }
  }
  return table.html();
}

Html erasures(const ReportSource& source) {
  const json& group = part(source.record, "erasures");
  if (!group.is_object()) {
    return section("8. Erasures", not_recorded());
  }
  HtmlFacts facts("Erasures since the last run", source.mark);
  facts.add("opened", requests(part(group, "opened")));
  facts.add("approved", requests(part(group, "approved")));
  facts.add("rejected", requests(part(group, "rejected")));
  facts.add("cancelled", requests(part(group, "cancelled")));
  facts.add("blocked", requests(part(group, "blocked")));
  facts.add("failed", requests(part(group, "failed")));
  facts.add("due within 7 days", requests(part(group, "due_soon")));
  facts.add("overdue", requests(part(group, "overdue")));
  facts.add("open", requests(part(group, "open")));
  facts.add("rows of the log erased by this run", shown(part(source.record, "erased")));
  return section("8. Erasures",
                 facts.html() + completed_table(source, list_part(group, "completed_requests")));
}

Html limits_table(const ReportSource& source, const json& list) {
  HtmlTable table("Left whole by the safety limit",
                  {{.heading = "tenant"},
                   {.heading = "category"},
                   {.heading = "due", .figures = true},
                   {.heading = "rows", .figures = true}},
                  source.mark);
  for (const json& line : list) {
    table.add({shown(part(line, "tenant"), "(platform)"),
               shown(part(line, "category"), words_of(part(line, "why"), "-").c_str()),
               shown(part(line, "due"), "-"),
               shown(part(line, "rows"), "-")});
  }
  return table.html();
}

Html exceptions(const ReportSource& source) {
  const json& record = source.record;
  const json& group = part(record, "exceptions");
  const auto either = [&](const char* name) -> const json& {
    return part(group, name).is_null() ? part(record, name) : part(group, name);
  };
  HtmlFacts facts("Exceptions", source.mark);
  facts.add("rows with a bad time", shown(either("bad_times")));
  facts.add("first seen by this run", shown(part(group, "first_seen"), "not recorded"));
  facts.add("rows whose own category differs", shown(either("category_mismatches")));
  facts.add("modules that failed", shown(part(group, "modules_failed"), "not recorded"));
  facts.add("runs found dead and closed", shown(part(record, "closed_dead_runs"), "none"));
  const json& limits = part(group, "limits");
  return section(
      "9. Exceptions",
      facts.html() +
          limits_table(source, limits.is_array() ? limits : list_part(record, "limited")));
}

}  // namespace

Html report_registers(const ReportSource& source) {
  return holds(source) + erasures(source) + exceptions(source);
}

}  // namespace holdfast
