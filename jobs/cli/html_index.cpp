// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/html_index.h"

#include <map>
#include <vector>

#include "jobs/cli/html_page.h"
#include "jobs/cli/svg_charts.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kDayLength = 10;  // YYYY-MM-DD

std::string night_label(const json& night) {
  return "run " + words_of(part(night, "run")) + ", " +
         words_of(part(night, "opened_at")).substr(0, kDayLength);
}

/// One column per night of what a member of it says.
Html nights_chart(const json& trend, const char* member, ColumnChart chart) {
  for (const json& night : list_part(trend, "nights")) {
    chart.columns.push_back({.label = night_label(night), .rows = number_part(night, member)});
  }
  return column_chart(chart);
}

Html deletions(const json& trend) {
  return section(
      "Deletions per night",
      nights_chart(trend,
                   "deleted",
                   {.id = "deleted",
                    .title = "Rows deleted by each run",
                    .description = "One column per run, the oldest to the left; the list of runs "
                                   "below has the figures.",
                    .unit = "rows",
                    .columns = {}}));
}

Html log_size(const json& trend, const PageMark& mark) {
  HtmlTable table("Size of the log after each run",
                  {{.heading = "run"},
                   {.heading = "opened"},
                   {.heading = "rows", .figures = true},
                   {.heading = "bytes of the file", .figures = true}},
                  mark);
  for (const json& night : list_part(trend, "nights")) {
    table.add({shown(part(night, "run")),
               shown(part(night, "opened_at")),
               shown(part(night, "rows_after")),
               shown(part(night, "file_bytes"))});
  }
  return section("Size of the log",
                 nights_chart(trend,
                              "rows_after",
                              {.id = "size",
                               .title = "Rows in the log after each run",
                               .description = "One column per run, the oldest to the left; the "
                                              "table below has the figures.",
                               .unit = "rows",
                               .columns = {}}) +
                     table.html());
}

/// Reasons that kept a row in one of the nights, each with its rows night by night.
std::map<std::string, std::vector<std::int64_t>> kept_by_night(const json& nights) {
  std::map<std::string, std::vector<std::int64_t>> kept;
  for (std::size_t at = 0; at < nights.size(); ++at) {
    for (const auto& [reason, rows] : part(nights[at], "kept_by_reason").items()) {
      if (rows.is_number_integer() && rows > 0) {
        kept.try_emplace(reason, nights.size(), 0).first->second[at] = rows.get<std::int64_t>();
      }
    }
  }
  return kept;
}

Html kept_charts(const json& trend, const PageMark& mark) {
  const json& nights = list_part(trend, "nights");
  HtmlTable table("Rows kept by reason, first and last of these runs",
                  {{.heading = "reason"},
                   {.heading = "first", .figures = true},
                   {.heading = "last", .figures = true}},
                  mark);
  Html charts;
  for (const auto& [reason, rows] : kept_by_night(nights)) {
    ColumnChart chart{.id = "kept-" + reason,
                      .title = "Rows kept: " + reason,
                      .description = "One column per run, the oldest to the left.",
                      .unit = "rows kept by " + reason,
                      .columns = {}};
    for (std::size_t at = 0; at < nights.size(); ++at) {
      chart.columns.push_back({.label = night_label(nights[at]), .rows = rows[at]});
    }
    charts += column_chart(chart);
    table.add(
        {Html::text(reason), Html::text(grouped(rows.front())), Html::text(grouped(rows.back()))});
  }
  return section("Kept by reason over time", table.html() + charts);
}

Html oldest(const json& trend, const PageMark& mark) {
  HtmlTable table("Oldest row that the last deciding run kept, against its window",
                  {{.heading = "tenant"},
                   {.heading = "category"},
                   {.heading = "window"},
                   {.heading = "oldest kept"},
                   {.heading = "disposition cut-off"},
                   {.heading = "verdict"}},
                  mark);
  for (const json& line : list_part(trend, "oldest")) {
    const json& cutoff = part(line, "disposition_cutoff");
    const json& time = part(line, "oldest");
    const bool older = cutoff.is_string() && time.is_string() &&
                       time.get_ref<const std::string&>() < cutoff.get_ref<const std::string&>();
    table.add({shown(part(line, "tenant"), "(platform)"),
               shown(part(line, "category"), "(unknown code)"),
               shown(part(line, "window"), "none"),
               shown(time),
               shown(cutoff, "never"),
               Html::text(older ? "past its window: kept for a reason" : "inside its window")});
  }
  return section("Oldest row per category", table.html());
}

Html forecast(const json& trend, const PageMark& mark) {
  const json& group = part(trend, "forecast");
  if (!part(group, "nights").is_array()) {
    return section("Forecast",
                   paragraph(Html::text("No forecast: " + words_of(part(group, "why")) + ".")));
  }
  ColumnChart chart{.id = "forecast",
                    .title = "Rows that become due in the coming nights",
                    .description =
                        "One column per night on which rows become due; the table below "
                        "has the same figures.",
                    .unit = "rows",
                    .columns = {}};
  HtmlTable table(
      "Rows that become due", {{.heading = "night"}, {.heading = "rows", .figures = true}}, mark);
  for (const json& night : list_part(group, "nights")) {
    chart.columns.push_back(
        {.label = words_of(part(night, "night")), .rows = number_part(night, "rows")});
    table.add({shown(part(night, "night")), shown(part(night, "rows"))});
  }
  const Html lead = Html::text(
      "From " + words_of(part(group, "from")) + " to " + words_of(part(group, "until")) +
      ", by windows and floors alone: holds, row stamps, bookmarks and limits are not looked at, "
      "so this is the most that can go. Due already: " +
      words_of(part(group, "due_now")) + " of " + words_of(part(group, "rows")) + " rows.");
  return section("Forecast", paragraph(lead) + column_chart(chart) + table.html());
}

Html runs(const json& trend, const std::set<std::int64_t>& with_page, const PageMark& mark) {
  HtmlTable table("All runs, newest first",
                  {{.heading = "run"},
                   {.heading = "opened"},
                   {.heading = "outcome"},
                   {.heading = "deleted", .figures = true},
                   {.heading = "error"}},
                  mark);
  for (const json& run : list_part(trend, "runs")) {
    const std::int64_t id = number_part(run, "run");
    const Html name = Html::text("run " + std::to_string(id));
    table.add({with_page.contains(id)
                   ? element("a", {{"href", "run-" + std::to_string(id) + ".html"}}, name)
                   : name,
               shown(part(run, "opened_at")),
               shown(part(run, "outcome")),
               shown(part(run, "deleted"), "-"),
               shown(part(run, "error"), "-")});
  }
  return section("Runs", table.html());
}

}  // namespace

std::string html_index(const json& trend, const std::set<std::int64_t>& with_page) {
  const json& all = list_part(trend, "runs");
  const json& newest = all.empty() ? json::object() : all.front();
  const PageMark mark{.title = "Holdfast: all runs",
                      .words = "index, up to run " + words_of(part(newest, "run"), "none")};
  const Html lead =
      Html::text("Database " + words_of(part(trend, "database_id")) +
                 ". Last run: " + words_of(part(newest, "run"), "none") + ", opened " +
                 words_of(part(newest, "opened_at"), "never") + ", outcome " +
                 words_of(part(newest, "outcome"), "none") + ". Charts show the newest " +
                 std::to_string(list_part(trend, "nights").size()) + " of " +
                 std::to_string(all.size()) + " runs.");
  return html_page(mark,
                   element("h1", Html::text(mark.title)) + element("p", {{"class", "lead"}}, lead) +
                       deletions(trend) + kept_charts(trend, mark) + log_size(trend, mark) +
                       oldest(trend, mark) + forecast(trend, mark) + runs(trend, with_page, mark));
}

}  // namespace holdfast
