// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/cli/html_text.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What stands on every printed page: its title, and the words that repeated table heads carry.
struct PageMark {
  std::string title;
  std::string words;  ///< "run 12, hash 3f9a2c41"
};

/// A whole page that needs nothing but itself: style sheet inside, no script, no font, no image.
/// The same body gives the same bytes.
[[nodiscard]] std::string html_page(const PageMark& mark, const Html& body);

/// The same page in two parts, for a body that is too long to be held: it stands between them, made
/// of Html.
struct PageFrame {
  std::string opening;
  std::string closing;
};
[[nodiscard]] PageFrame page_frame(const PageMark& mark);

/// One column of a table.
struct HtmlColumn {
  std::string heading;
  bool figures = false;  ///< numbers stand to the right
  int share = 0;         ///< percent of the width; of all columns or of none
};

/// A table whose columns have shares keeps to them, so that one long text cannot squeeze the rest.
/// A table whose head is printed again on every page, and whose rows are not cut in two. The first
/// cell of a row is its head.
class HtmlTable {
 public:
  HtmlTable(std::string caption, std::vector<HtmlColumn> columns, const PageMark& mark);

  /// Shapes: as many cells as columns.
  void add(std::vector<Html> cells);
  [[nodiscard]] std::size_t rows() const { return rows_; }
  /// The table; long ones folded on a screen and whole in print; a sentence where it has no row.
  [[nodiscard]] Html html() const;

 private:
  [[nodiscard]] Html head() const;
  [[nodiscard]] Html widths() const;

  std::string caption_;
  std::vector<HtmlColumn> columns_;
  std::string mark_;
  Html body_;
  std::size_t rows_ = 0;
};

/// Names and values, one a line.
class HtmlFacts {
 public:
  HtmlFacts(std::string caption, const PageMark& mark);
  void add(Literal name, const Html& value);
  [[nodiscard]] Html html() const;

 private:
  HtmlTable table_;
};

/// A section with a heading.
[[nodiscard]] Html section(const std::string& heading, const Html& content);
/// Something long that is folded on a screen and whole in print.
[[nodiscard]] Html folded(const std::string& summary, const Html& content);
[[nodiscard]] Html paragraph(const Html& content);
[[nodiscard]] Html paragraph(Literal words);
/// Who prepared, reviewed and approved, to be filled in by hand.
[[nodiscard]] Html sign_off(const PageMark& mark);

/// The member of an object, null where there is none or it is no object.
[[nodiscard]] const nlohmann::json& part(const nlohmann::json& value, const char* name);
/// The list, an empty one where the value is none.
[[nodiscard]] const nlohmann::json& list_part(const nlohmann::json& value, const char* name);
/// The number, 0 where the value is none.
[[nodiscard]] std::int64_t number_part(const nlohmann::json& value, const char* name);

/// A value in words: 1,234,567; "2026-11-24 02:15:00 UTC"; yes, no; lists with commas; objects as
/// "name value"; `nothing` for null.
[[nodiscard]] std::string words_of(const nlohmann::json& value, const char* nothing = "not known");
/// The same as markup.
[[nodiscard]] Html shown(const nlohmann::json& value, const char* nothing = "not known");
/// A digest in groups of eight; other text as it is.
[[nodiscard]] Html hash_text(const nlohmann::json& value, const char* nothing = "not known");
/// 1,234,567.
[[nodiscard]] std::string grouped(std::int64_t number);

}  // namespace holdfast
