// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/text_table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

namespace holdfast {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 12;

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

/// Where a text has to be cut to take no more columns than this: behind a whole character.
std::size_t cut_at(const std::string& text, std::size_t columns) {
  std::size_t at = 0;
  std::size_t seen = 0;
  while (at < text.size() && (seen < columns || continues(text[at]))) {
    seen += continues(text[at]) ? 0 : 1;
    ++at;
  }
  return at;
}

/// The text in lines of at most so many columns, broken at spaces where there are any.
std::vector<std::string> wrapped(std::string text, std::size_t columns) {
  std::vector<std::string> lines;
  while (columns_of(text) > columns) {
    std::size_t at = cut_at(text, columns);
    const std::size_t space = text.rfind(' ', at);
    const bool at_space = space != std::string::npos && space > 0;
    at = at_space ? space : at;
    lines.push_back(text.substr(0, at));
    text.erase(0, at + (at_space ? 1 : 0));
  }
  lines.push_back(std::move(text));
  return lines;
}

using Rows = std::vector<std::vector<std::string>>;

std::vector<std::size_t> natural_widths(const Rows& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t at = 0; at < row.size(); ++at) {
      widths.at(at) = std::max(widths.at(at), columns_of(row[at]));
    }
  }
  return widths;
}

/// Columns of numbers keep their width.
std::vector<bool> columns_of_text(const Rows& rows) {
  std::vector<bool> texts(rows.front().size(), false);
  for (std::size_t row = 1; row < rows.size(); ++row) {
    for (std::size_t at = 0; at < rows[row].size(); ++at) {
      texts[at] = texts[at] || !is_number(rows[row][at]);
    }
  }
  return texts;
}

std::vector<std::size_t> fitting_widths(const Rows& rows, std::size_t width) {
  std::vector<std::size_t> widths = natural_widths(rows);
  if (width == 0) {
    return widths;
  }
  const std::vector<bool> texts = columns_of_text(rows);
  const auto sum = [&widths] {
    return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  };
  while (sum() > width) {
    std::size_t widest = widths.size();
    for (std::size_t at = 0; at < widths.size(); ++at) {
      if (texts[at] && widths[at] > kNarrowest &&
          (widest == widths.size() || widths[at] > widths[widest])) {
        widest = at;
      }
    }
    if (widest == widths.size()) {
      break;
    }
    --widths[widest];
  }
  return widths;
}

std::string one_row(const std::vector<std::string>& row, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t at = 0; at < row.size(); ++at) {
    const std::string gap(widths.at(at) - columns_of(row[at]), ' ');
    line += is_number(row[at]) ? gap + row[at] : row[at] + gap;
    line += std::string(kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

std::optional<std::size_t> terminal_columns(int descriptor) {
  winsize size{};
  if (::isatty(descriptor) != 1) {
    return std::nullopt;
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): ioctl(2) has no other form
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : std::size_t{0};
}

std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); }));
}

std::string TextTable::text() const {
  return text(terminal_columns(STDOUT_FILENO).value_or(0));
}

std::string TextTable::text(std::size_t width) const {
  const std::vector<std::size_t> widths = fitting_widths(rows_, width);
  std::string out;
  for (const auto& row : rows_) {
    std::vector<std::vector<std::string>> cells;
    std::size_t lines = 1;
    for (std::size_t at = 0; at < row.size(); ++at) {
      cells.push_back(wrapped(row[at], widths[at]));
      lines = std::max(lines, cells.back().size());
    }
    for (std::size_t line = 0; line < lines; ++line) {
      std::vector<std::string> parts;
      for (const auto& cell : cells) {
        parts.push_back(line < cell.size() ? cell[line] : std::string{});
      }
      out += one_row(parts, widths);
    }
  }
  return out;
}

}  // namespace holdfast
