// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace holdfast {

/// Calendar units only: ten years counted as 3,650 days would end three days early.
enum class WindowUnit { days, months, years, forever };

/// How long a row is kept: one calendar unit, at least one day, or for ever.
/// Shapes: `count` is 1 to 400 years' worth of its unit; 0 only with `forever`.
struct RetentionWindow {
  int count = 0;
  WindowUnit unit = WindowUnit::forever;

  [[nodiscard]] bool operator==(const RetentionWindow&) const = default;
};

/// Reads "13 months", "1 year", "90 days", "forever", or the ISO 8601 form "P13M", "P90D", "P10Y".
/// Errors: zero, negative, empty, mixed units, fractions, weeks, hours and anything above 400 years
/// are refused with a sentence that names the text; nothing ever becomes a default.
[[nodiscard]] tl::expected<RetentionWindow, std::string> parse_window(std::string_view text);

/// "13 months", "1 year", "forever": what parse_window() reads back as the same window.
[[nodiscard]] std::string to_string(const RetentionWindow& window);

/// True for `forever`, and for a count that parse_window() never gives: in doubt a row is kept.
[[nodiscard]] bool never_ends(const RetentionWindow& window);

/// True where `a` ends earlier than `b` for at least one start day from 2000 to 2399.
/// Calendar periods have no fixed order: a month and 30 days are each shorter than the other.
/// Source: the comparison of windows when a policy is loaded, policy/README.md.
[[nodiscard]] bool ends_earlier_somewhere(const RetentionWindow& a, const RetentionWindow& b);

}  // namespace holdfast
