// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/cli/html_text.h"

namespace holdfast {

/// One bar that lies: hatched rows first, then white ones.
struct Bar {
  std::string label;
  std::int64_t hatched = 0;
  std::int64_t white = 0;
  std::string figures;  ///< the numbers in words, printed at its end
};

/// Bars one below the other. Shapes: `id` is unique on its page and made of letters; no negative
/// rows.
struct BarChart {
  std::string id;
  std::string title;
  std::string description;  ///< what a reader who cannot see it has to know
  std::string hatched_means;
  std::string white_means;  ///< empty: the bars have one part
  std::vector<Bar> bars;
};

/// Told apart by hatching and by the figures at each bar, so that it reads without any colour.
[[nodiscard]] Html bar_chart(const BarChart& chart);

/// One column that stands: one night.
struct Column {
  std::string label;
  std::int64_t rows = 0;
};

/// Columns from left to right. Shapes: as BarChart.
struct ColumnChart {
  std::string id;
  std::string title;
  std::string description;
  std::string unit;  ///< "rows", "bytes"
  std::vector<Column> columns;
};

/// The highest column carries its figure, the first and last their labels; empty where there is no
/// column.
[[nodiscard]] Html column_chart(const ColumnChart& chart);

}  // namespace holdfast
