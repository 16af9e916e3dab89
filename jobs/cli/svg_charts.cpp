// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/svg_charts.h"

#include <algorithm>
#include <string>

#include "jobs/cli/html_page.h"

namespace holdfast {
namespace {

// All lengths are units of the drawing; it is scaled to the page.
constexpr std::int64_t kWidth = 760;
constexpr std::int64_t kLabelWidth = 190;
constexpr std::int64_t kBarWidth = 330;
constexpr std::int64_t kLineHeight = 22;
constexpr std::int64_t kBarHeight = 14;
constexpr std::int64_t kTop = 30;
constexpr std::int64_t kGap = 8;
constexpr std::int64_t kColumnsHeight = 120;
constexpr std::int64_t kColumnsWidth = 740;
constexpr std::int64_t kWidestColumn = 24;
constexpr std::int64_t kBelow = 44;
constexpr std::size_t kLongestLabel = 28;

std::string units(std::int64_t length) {
  return std::to_string(length);
}

Html words(std::int64_t x, std::int64_t y, const std::string& text, const char* anchor = "start") {
  return element("text",
                 {{"x", units(x)},
                  {"y", units(y)},
                  {"font-size", "12"},
                  {"font-family", "sans-serif"},
                  {"text-anchor", anchor}},
                 Html::text(text));
}

/// A place and a size.
struct Box {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

Html box(const Box& at, const std::string& fill) {
  return void_element("rect",
                      {{"x", units(at.x)},
                       {"y", units(at.y)},
                       {"width", units(at.width)},
                       {"height", units(at.height)},
                       {"fill", fill},
                       {"stroke", "#000"},
                       {"stroke-width", "1"}});
}

std::string hatching_of(const std::string& id) {
  return "url(#" + id + "-hatch)";
}

Html definitions(const std::string& id) {
  const Html line = void_element(
      "path", {{"d", "M0 6L6 0M-1 1L1 -1M5 7L7 5"}, {"stroke", "#000"}, {"stroke-width", "2"}});
  return element(
      "defs",
      element("pattern",
              {{"id", id + "-hatch"},
               {"width", "6"},
               {"height", "6"},
               {"patternUnits", "userSpaceOnUse"}},
              void_element("rect", {{"width", "6"}, {"height", "6"}, {"fill", "#fff"}}) + line));
}

/// What both kinds of chart have in common.
struct Frame {
  std::string id;
  std::string title;
  std::string description;
  std::int64_t height = 0;
};

Html drawing(const Frame& frame, const Html& content) {
  const std::string title = frame.id + "-title";
  const std::string description = frame.id + "-desc";
  const Html svg =
      element("svg",
              {{"xmlns", "http://www.w3.org/2000/svg"},
               {"viewBox", "0 0 " + units(kWidth) + " " + units(frame.height)},
               {"role", "img"},
               {"aria-labelledby", title + " " + description}},
              element("title", {{"id", title}}, Html::text(frame.title)) +
                  element("desc", {{"id", description}}, Html::text(frame.description)) +
                  definitions(frame.id) + content);
  return element("figure", element("figcaption", Html::text(frame.title)) + svg);
}

/// `part` of `most` in units of `length`; what is there at all is at least one unit long.
std::int64_t scaled(std::int64_t part, std::int64_t most, std::int64_t length) {
  if (part <= 0 || most <= 0) {
    return 0;
  }
  // Rows are far below 2^53, so nothing is lost that could be seen.
  const double share = static_cast<double>(part) / static_cast<double>(most);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(share * static_cast<double>(length)));
}

Html legend(const BarChart& chart) {
  constexpr std::int64_t kSwatch = 14;
  Html made = box({.x = 0, .y = 4, .width = kSwatch, .height = kSwatch}, hatching_of(chart.id)) +
              words(kSwatch + kGap, 16, chart.hatched_means);
  if (!chart.white_means.empty()) {
    made += box({.x = kLabelWidth, .y = 4, .width = kSwatch, .height = kSwatch}, "#fff") +
            words(kLabelWidth + kSwatch + kGap, 16, chart.white_means);
  }
  return made;
}

}  // namespace

Html bar_chart(const BarChart& chart) {
  std::int64_t most = 0;
  for (const Bar& bar : chart.bars) {
    most = std::max(most, bar.hatched + bar.white);
  }
  Html content = legend(chart);
  std::int64_t y = kTop;
  for (const Bar& bar : chart.bars) {
    const std::int64_t hatched = scaled(bar.hatched, most, kBarWidth);
    const std::int64_t white = scaled(bar.white, most, kBarWidth);
    content +=
        words(kLabelWidth - kGap, y + 12, shortened(visible_text(bar.label), kLongestLabel), "end");
    if (hatched > 0) {
      content += box({.x = kLabelWidth, .y = y, .width = hatched, .height = kBarHeight},
                     hatching_of(chart.id));
    }
    if (white > 0) {
      content +=
          box({.x = kLabelWidth + hatched, .y = y, .width = white, .height = kBarHeight}, "#fff");
    }
    content += words(kLabelWidth + hatched + white + kGap, y + 12, bar.figures);
    y += kLineHeight;
  }
  return drawing(
      {.id = chart.id, .title = chart.title, .description = chart.description, .height = y + kGap},
      content);
}

Html column_chart(const ColumnChart& chart) {
  if (chart.columns.empty()) {
    return {};
  }
  std::int64_t most = 0;
  for (const Column& column : chart.columns) {
    most = std::max(most, column.rows);
  }
  const auto count = static_cast<std::int64_t>(chart.columns.size());
  const std::int64_t step = std::clamp<std::int64_t>(kColumnsWidth / count, 1, kWidestColumn);
  const std::int64_t ground = kTop + kColumnsHeight;
  Html content = words(0, 16, "highest: " + grouped(most) + " " + chart.unit);
  for (std::int64_t at = 0; at < count; ++at) {
    const Column& column = chart.columns[static_cast<std::size_t>(at)];
    const std::int64_t height = scaled(column.rows, most, kColumnsHeight);
    if (height > 0) {
      content += box({.x = at * step,
                      .y = ground - height,
                      .width = std::max<std::int64_t>(1, step - 2),
                      .height = height},
                     hatching_of(chart.id));
    }
  }
  content += void_element("path",
                          {{"d", "M0 " + units(ground) + "H" + units(kWidth)}, {"stroke", "#000"}});
  content += words(0, ground + 16, chart.columns.front().label);
  if (count > 1) {
    content += words(0, ground + 32, "last column: " + chart.columns.back().label);
  }
  return drawing({.id = chart.id,
                  .title = chart.title,
                  .description = chart.description,
                  .height = ground + kBelow},
                 content);
}

}  // namespace holdfast
