// SPDX-License-Identifier: Apache-2.0
#include "policy/retention_window.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <system_error>

#include <date/date.h>

namespace holdfast {
namespace {

// The Gregorian calendar repeats itself exactly after 400 years.
constexpr int kCycleYears = 400;
constexpr int kCycleMonths = 12 * kCycleYears;
constexpr int kCycleDays = 146097;  // 400 * 365 + 97 leap days

struct UnitWord {
  std::string_view word;
  char iso;
  WindowUnit unit;
  int largest;
};

constexpr std::array<UnitWord, 3> kUnits{{
    {"day", 'D', WindowUnit::days, kCycleDays},
    {"month", 'M', WindowUnit::months, kCycleMonths},
    {"year", 'Y', WindowUnit::years, kCycleYears},
}};

const UnitWord* find_unit(WindowUnit unit) {
  const auto* const found = std::find_if(
      kUnits.begin(), kUnits.end(), [unit](const UnitWord& known) { return known.unit == unit; });
  return found == kUnits.end() ? nullptr : found;
}

const UnitWord* find_word(std::string_view word) {
  if (word.ends_with('s')) {
    word.remove_suffix(1);
  }
  const auto* const found = std::find_if(
      kUnits.begin(), kUnits.end(), [word](const UnitWord& known) { return known.word == word; });
  return found == kUnits.end() ? nullptr : found;
}

const UnitWord* find_letter(char letter) {
  const auto* const found =
      std::find_if(kUnits.begin(), kUnits.end(), [letter](const UnitWord& known) {
        return known.iso == letter;
      });
  return found == kUnits.end() ? nullptr : found;
}

tl::unexpected<std::string> refusal(std::string_view text, std::string_view why) {
  return tl::unexpected<std::string>{"window \"" + std::string{text} + "\" " + std::string{why}};
}

constexpr std::string_view kShapes =
    R"(: write "90 days", "13 months", "10 years", "P90D", "P13M", "P10Y" or "forever")";

/// Number and unit of a window text, still as they were written.
struct Parts {
  std::string_view number;
  std::string_view unit;
};

/// "13 months" at its first space, "P13M" between number and letter; none for any other shape.
std::optional<Parts> split(std::string_view text) {
  if (text.starts_with('P')) {
    text.remove_prefix(1);
    const std::size_t end = text.find_first_not_of("+-.,0123456789");
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    return Parts{.number = text.substr(0, end), .unit = text.substr(end)};
  }
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    return std::nullopt;
  }
  return Parts{.number = text.substr(0, space), .unit = text.substr(space + 1)};
}

std::string why_not_a_unit(std::string_view unit) {
  if (unit.starts_with("hour") || unit.starts_with('T')) {
    return "counts hours: a window counts whole days, months or years";
  }
  if (unit.find_first_of("0123456789") != std::string_view::npos) {
    return "mixes units: a window has one";
  }
  if (unit.starts_with("week") || unit == "W") {
    return "counts weeks: write days";
  }
  return "has no calendar unit of days, months or years" + std::string{kShapes};
}

bool is_whole_number(std::string_view number) {
  return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string why_not_a_number(std::string_view number) {
  if (number.starts_with('-')) {
    return "is negative: at least one day must be kept";
  }
  if (number.find_first_of(".,") != std::string_view::npos) {
    return "has a fraction: a window counts whole days, months or years";
  }
  return "has no whole number" + std::string{kShapes};
}

/// The number in these digits, none where it does not fit.
std::optional<int> count_in(std::string_view digits) {
  int count = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (read.ec != std::errc{}) {
    return std::nullopt;
  }
  return count;
}

/// The lengths in days that `months` months can have, whatever day they start on.
struct Lengths {
  int shortest;
  int longest;
};

Lengths lengths_of(int months) {
  Lengths lengths{.shortest = std::numeric_limits<int>::max(), .longest = 0};
  const date::year_month first = date::year{2000} / date::January;
  for (int step = 0; step < kCycleMonths; ++step) {
    const date::year_month from = first + date::months{step};
    const date::year_month until = from + date::months{months};
    // A period that starts on the first has its full length. One that is clamped still has at least
    // the length of the one from the next month's first, so the firsts give both ends.
    const auto difference = date::sys_days{until / 1} - date::sys_days{from / 1};
    const auto length = static_cast<int>(difference.count());
    lengths.shortest = std::min(lengths.shortest, length);
    lengths.longest = std::max(lengths.longest, length);
  }
  return lengths;
}

// No period of whole months is more than 8 days off its mean (the tests go through all 4,800).
constexpr std::int64_t kMargin = 8LL * kCycleMonths;

/// How far `days` days are from the mean length of `months` months.
enum class Gap { shorter, near, longer };

Gap gap_between(int days, int months) {
  const std::int64_t difference =
      std::int64_t{days} * kCycleMonths - std::int64_t{months} * kCycleDays;
  if (difference < -kMargin) {
    return Gap::shorter;
  }
  return difference > kMargin ? Gap::longer : Gap::near;
}

int in_months(const RetentionWindow& window) {
  return window.unit == WindowUnit::years ? 12 * window.count : window.count;
}

}  // namespace

tl::expected<RetentionWindow, std::string> parse_window(std::string_view text) {
  if (text == "forever") {
    return RetentionWindow{};
  }
  if (text.empty()) {
    return refusal(text, "is empty" + std::string{kShapes});
  }
  const auto parts = split(text);
  if (!parts) {
    return refusal(text, "is not a number and a unit" + std::string{kShapes});
  }
  if (!is_whole_number(parts->number)) {
    return refusal(text, why_not_a_number(parts->number));
  }
  const UnitWord* const unit = !text.starts_with('P')     ? find_word(parts->unit)
                               : parts->unit.size() == 1U ? find_letter(parts->unit.front())
                                                          : nullptr;
  if (unit == nullptr) {
    return refusal(text, why_not_a_unit(parts->unit));
  }
  const auto count = count_in(parts->number);
  if (!count || *count > unit->largest) {
    return refusal(text, "is longer than 400 years: write \"forever\" if that is meant");
  }
  if (*count == 0) {
    return refusal(text, "is zero: at least one day must be kept");
  }
  return RetentionWindow{.count = *count, .unit = unit->unit};
}

std::string to_string(const RetentionWindow& window) {
  const UnitWord* const unit = find_unit(window.unit);
  if (unit == nullptr) {
    return "forever";
  }
  const std::string_view plural = window.count == 1 ? "" : "s";
  return std::to_string(window.count) + ' ' + std::string{unit->word} + std::string{plural};
}

bool never_ends(const RetentionWindow& window) {
  const UnitWord* const unit = find_unit(window.unit);
  return unit == nullptr || window.count < 1 || window.count > unit->largest;
}

bool ends_earlier_somewhere(const RetentionWindow& a, const RetentionWindow& b) {
  if (never_ends(a) || never_ends(b)) {
    return !never_ends(a);
  }
  const bool a_in_days = a.unit == WindowUnit::days;
  const bool b_in_days = b.unit == WindowUnit::days;
  if (a_in_days && b_in_days) {
    return a.count < b.count;
  }
  if (!a_in_days && !b_in_days) {
    // One month more always ends in a later month, clamped or not.
    return in_months(a) < in_months(b);
  }
  const int days = a_in_days ? a.count : b.count;
  const int months = in_months(a_in_days ? b : a);
  const Gap gap = gap_between(days, months);
  if (gap != Gap::near) {
    return (gap == Gap::shorter) == a_in_days;
  }
  const Lengths lengths = lengths_of(months);
  return a_in_days ? days < lengths.longest : lengths.shortest < days;
}

}  // namespace holdfast
