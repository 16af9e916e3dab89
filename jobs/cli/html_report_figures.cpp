// SPDX-License-Identifier: Apache-2.0
// Groups 4 to 6 of a record: what was in the log, and what became of it by category and by code.
#include <algorithm>
#include <map>
#include <set>

#include "jobs/cli/html_report_parts.h"
#include "jobs/cli/svg_charts.h"
#include "policy/reason.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// One category over all tenants.
struct CategorySum {
  std::set<std::string> tenants;
  std::set<std::string> windows;
  std::int64_t examined = 0;
  std::int64_t deleted = 0;
  std::map<std::string, std::int64_t> kept;
};

std::map<std::string, CategorySum> sums_of(const json& record) {
  std::map<std::string, CategorySum> sums;
  for (const json& line : list_part(record, "categories")) {
    CategorySum& sum = sums[words_of(part(line, "category"), "(unknown code)")];
    sum.tenants.insert(part(line, "tenant").dump());
    sum.windows.insert(words_of(part(line, "window"), "no window"));
    sum.examined += number_part(line, "examined");
    sum.deleted += number_part(line, "deleted");
    for (const auto& [reason, rows] : part(line, "kept").items()) {
      sum.kept[reason] += rows.is_number_integer() ? rows.get<std::int64_t>() : 0;
    }
  }
  return sums;
}

std::string reasons_words(const std::map<std::string, std::int64_t>& kept) {
  std::string words;
  for (const auto& [reason, rows] : kept) {
    if (rows != 0) {
      words += (words.empty() ? "" : ", ") + reason + " " + grouped(rows);
    }
  }
  return words.empty() ? "-" : words;
}

Html kept_words(const json& kept) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& [reason, rows] : kept.items()) {
    counts[reason] = rows.is_number_integer() ? rows.get<std::int64_t>() : 0;
  }
  return Html::text(reasons_words(counts));
}

Html population(const ReportSource& source) {
  const json& group = part(source.record, "population");
  HtmlFacts facts("Population", source.mark);
  facts.add("rows before", shown(part(source.record, "rows_before")));
  facts.add("lowest key", shown(part(group, "lowest_key")));
  facts.add("highest key", shown(part(group, "highest_key")));
  facts.add("highest key of the snapshot", shown(part(group, "snapshot_highest_key")));
  facts.add("oldest sane time", shown(part(group, "oldest_time")));
  facts.add("newest sane time", shown(part(group, "newest_time")));
  return section("4. Population", facts.html());
}

Html category_drawing(const std::map<std::string, CategorySum>& sums) {
  BarChart chart{.id = "categories",
                 .title = "Rows deleted and kept per category",
                 .description =
                     "One bar per category over all tenants; group 5 has the "
                     "same figures.",
                 .hatched_means = "deleted",
                 .white_means = "kept",
                 .bars = {}};
  for (const auto& [category, sum] : sums) {
    const std::int64_t kept = sum.examined - sum.deleted;
    chart.bars.push_back({.label = category,
                          .hatched = std::max<std::int64_t>(0, sum.deleted),
                          .white = std::max<std::int64_t>(0, kept),
                          .figures = grouped(sum.deleted) + " / " + grouped(kept)});
  }
  return chart.bars.empty() ? Html{} : bar_chart(chart);
}

Html reason_drawing(const json& record) {
  BarChart chart{.id = "reasons",
                 .title = "Rows kept by reason",
                 .description =
                     "One bar per reason that kept a row; group 5 has the same "
                     "figures.",
                 .hatched_means = "kept",
                 .white_means = {},
                 .bars = {}};
  for (const auto& [reason, rows] : part(record, "kept_by_reason").items()) {
    if (rows.is_number_integer() && rows > 0) {
      const auto count = rows.get<std::int64_t>();
      chart.bars.push_back({.label = reason, .hatched = count, .figures = grouped(count)});
    }
  }
  return chart.bars.empty() ? Html{} : bar_chart(chart);
}

Html reasons_table(const ReportSource& source) {
  HtmlTable table(
      "Rows kept by reason",
      {{.heading = "reason"}, {.heading = "rows", .figures = true}, {.heading = "meaning"}},
      source.mark);
  for (const auto& [reason, rows] : part(source.record, "kept_by_reason").items()) {
    const auto known = parse_reason(reason);
    table.add({Html::text(reason),
               shown(rows),
               Html::text(known ? meaning(*known) : "not a reason of this version")});
  }
  return table.html();
}

Html sums_table(const ReportSource& source, const std::map<std::string, CategorySum>& sums) {
  HtmlTable table("Per category, over all tenants",
                  {{.heading = "category"},
                   {.heading = "windows"},
                   {.heading = "tenants", .figures = true},
                   {.heading = "examined", .figures = true},
                   {.heading = "deleted", .figures = true},
                   {.heading = "kept and why"}},
                  source.mark);
  for (const auto& [category, sum] : sums) {
    std::string windows;
    for (const std::string& window : sum.windows) {
      windows += (windows.empty() ? "" : ", ") + window;
    }
    table.add({Html::text(category),
               Html::text(windows),
               Html::text(grouped(static_cast<std::int64_t>(sum.tenants.size()))),
               Html::text(grouped(sum.examined)),
               Html::text(grouped(sum.deleted)),
               Html::text(reasons_words(sum.kept))});
  }
  return table.html();
}

Html lines_table(const ReportSource& source) {
  HtmlTable table("Per tenant and category",
                  {{.heading = "tenant", .share = 13},
                   {.heading = "category", .share = 12},
                   {.heading = "window", .share = 9},
                   {.heading = "disposition cut-off", .share = 12},
                   {.heading = "examined", .figures = true, .share = 11},
                   {.heading = "deleted", .figures = true, .share = 9},
                   {.heading = "kept and why", .share = 14},
                   {.heading = "oldest kept", .share = 11},
                   {.heading = "newest deleted", .share = 11}},
                  source.mark);
  for (const json& line : list_part(source.record, "categories")) {
    table.add({shown(part(line, "tenant"), "(platform)"),
               shown(part(line, "category"), "(unknown code)"),
               shown(part(line, "window"), "none"),
               shown(part(line, "disposition_cutoff"), "never"),
               shown(part(line, "examined")),
               shown(part(line, "deleted")),
               kept_words(part(line, "kept")),
               shown(part(line, "oldest_kept"), "-"),
               shown(part(line, "newest_deleted"), "-")});
  }
  return table.html();
}

Html categories(const ReportSource& source) {
  Html made =
      sums_table(source, sums_of(source.record)) + reasons_table(source) + lines_table(source);
  made += paragraph(
      "Spot check: the newest deleted row of a line is older than the line's "
      "disposition cut-off.");
  return section("5. Per tenant and category", made);
}

/// The address of a code in the catalogue: its anchor, with every character that an address cannot
/// hold in percent signs.
std::string anchor_of(const std::string& url, const std::string& code) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string address = url + "#";
  for (const char letter : code) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool plain = (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= 'a' && letter <= 'z') || letter == '_' || letter == '-' ||
                       letter == '.' || letter == '~';
    if (plain) {
      address += letter;
    } else {
      address += '%';
      address += kHexDigits[byte >> 4U];
      address += kHexDigits[byte & 0xFU];
    }
  }
  return address;
}

Html deleted_codes(const ReportSource& source) {
  const json& codes = part(source.record, "codes");
  const bool old = !codes.is_array();
  HtmlTable table(
      "Deleted per code",
      {{.heading = "code"}, {.heading = "deleted", .figures = true}, {.heading = "explained at"}},
      source.mark);
  for (const json& line : list_part(source.record, old ? "deleted_by_code" : "codes")) {
    const json& code = part(line, "code");
    const bool linked = code.is_string() && !source.catalogue_url.empty();
    const std::string address =
        linked ? anchor_of(source.catalogue_url, code.get<std::string>()) : "";
    table.add({shown(code),
               shown(part(line, old ? "rows" : "deleted")),
               !linked                          ? Html::text("no [catalogue].url")
               : address.size() > kLongestShown ? Html::text(address)
                                                : visible_link(address)});
  }
  return table.html();
}

Html unknown_codes(const ReportSource& source) {
  HtmlTable table(
      "Unknown codes: kept, and in need of a name in the catalogue",
      {{.heading = "code"}, {.heading = "rows", .figures = true}, {.heading = "oldest"}},
      source.mark);
  for (const json& line : list_part(source.record, "unknown_codes")) {
    table.add({shown(part(line, "code")), shown(part(line, "rows")), shown(part(line, "oldest"))});
  }
  return table.html();
}

}  // namespace

Html report_charts(const ReportSource& source) {
  return category_drawing(sums_of(source.record)) + reason_drawing(source.record);
}

Html report_figures(const ReportSource& source) {
  return population(source) + categories(source) +
         section("6. Per code", deleted_codes(source) + unknown_codes(source));
}

}  // namespace holdfast
