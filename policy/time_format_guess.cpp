// SPDX-License-Identifier: Apache-2.0
#include "policy/time_format_guess.h"

#include <algorithm>
#include <variant>

namespace holdfast {
namespace {

// In the order of preference: whole seconds are read by both, and unix_s says more.
constexpr std::array<TimeFormat, 6> kFormatsInOrder{TimeFormat::unix_s,
                                                    TimeFormat::unix_ms,
                                                    TimeFormat::unix_us,
                                                    TimeFormat::unix_real,
                                                    TimeFormat::iso8601,
                                                    TimeFormat::utc_text};
constexpr std::size_t kUnixS = 0;
constexpr std::size_t kUnixReal = 3;
constexpr std::int64_t kOddOnes = 100;  // one in so many values may be of another kind
constexpr Instant kEarliest{date::sys_days{date::year{2000} / date::January / 1}};
constexpr Instant kAppleEpoch{date::sys_days{date::year{2001} / date::January / 1}};

/// unix_s would floor a fraction away without a word.
bool suits(const StoredView& value, TimeFormat format) {
  const auto* const real = std::get_if<double>(&value);
  return real == nullptr || format == TimeFormat::unix_real;
}

bool counts_from_2001(const StoredView& value, Instant latest) {
  const auto seconds = parse_event_time(value, TimeFormat::unix_real);
  if (!seconds) {
    return false;
  }
  const Instant moved = *seconds + kAppleEpoch.time_since_epoch();
  return moved > kAppleEpoch + std::chrono::hours{24} && moved <= latest;
}

/// A way to write a moment as the digits of one number.
struct CalendarDigits {
  std::size_t year;
  std::size_t whole;
};

constexpr std::array<CalendarDigits, 7> kCalendarDigits{{{.year = 4, .whole = 8},
                                                         {.year = 4, .whole = 10},
                                                         {.year = 4, .whole = 12},
                                                         {.year = 4, .whole = 14},
                                                         {.year = 2, .whole = 10},
                                                         {.year = 2, .whole = 12},
                                                         {.year = 4, .whole = 17}}};

/// Month, day, hour, minute and second, and the least and the most that each can be.
struct CalendarField {
  int least;
  int most;
};

constexpr std::array<CalendarField, 5> kCalendarFields{{{.least = 1, .most = 12},
                                                        {.least = 1, .most = 31},
                                                        {.least = 0, .most = 23},
                                                        {.least = 0, .most = 59},
                                                        {.least = 0, .most = 59}}};
constexpr std::size_t kFieldDigits = 2;
constexpr int kTen = 10;

bool is_date(const std::string& digits, const CalendarDigits& written) {
  const bool century =
      written.year == kFieldDigits || digits.starts_with("19") || digits.starts_with("20");
  if (digits.size() != written.whole || !century) {
    return false;
  }
  std::size_t at = written.year;
  for (const CalendarField& field : kCalendarFields) {
    if (at == digits.size()) {
      break;
    }
    const int number = (digits[at] - '0') * kTen + (digits[at + 1] - '0');
    if (number < field.least || number > field.most) {
      return false;
    }
    at += kFieldDigits;
  }
  return true;
}

/// yyyyMMdd, yyMMddHHmm and their like.
bool is_calendar_number(const StoredView& value) {
  const auto* const whole = std::get_if<std::int64_t>(&value);
  if (whole == nullptr || *whole < 0) {
    return false;
  }
  const std::string digits = std::to_string(*whole);
  return std::any_of(kCalendarDigits.begin(), kCalendarDigits.end(), [&](const auto& written) {
    return is_date(digits, written);
  });
}

std::string shares(const std::string& what, std::int64_t values, std::int64_t of) {
  return std::to_string(values) + " of " + std::to_string(of) + " sampled values are " + what;
}

}  // namespace

void TimeFormatGuess::add(const StoredView& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    ++nulls_;
    return;
  }
  ++values_;
  bool plausible = false;
  for (std::size_t i = 0; i < kFormats; ++i) {
    const auto time = suits(value, kFormatsInOrder[i]) ? parse_event_time(value, kFormatsInOrder[i])
                                                       : std::nullopt;
    if (!time || *time < kEarliest || *time > latest_plausible_) {
      continue;
    }
    Seen& seen = seen_[i];
    seen.earliest = seen.values == 0 ? *time : std::min(seen.earliest, *time);
    seen.latest = seen.values == 0 ? *time : std::max(seen.latest, *time);
    ++seen.values;
    plausible = true;
  }
  calendar_ += plausible && is_calendar_number(value) ? 1 : 0;
  apple_ += !plausible && counts_from_2001(value, latest_plausible_) ? 1 : 0;
}

GuessedTime TimeFormatGuess::result() const {
  GuessedTime guess{.values = values_, .nulls = nulls_};
  if (values_ == 0) {
    guess.why = nulls_ == 0 ? "the table has no rows" : "every value is NULL";
    return guess;
  }
  const auto best =
      std::max_element(seen_.begin(), seen_.end(), [](const Seen& left, const Seen& right) {
        return left.values < right.values;
      });
  const auto word = [&](const Seen& seen) {
    return std::string{to_token(kFormatsInOrder[static_cast<std::size_t>(&seen - seen_.data())])};
  };
  if (best->values == 0) {
    guess.why = apple_ * 2 > values_
                    ? "the values seem to count seconds from 2001-01-01, which no time_format reads"
                    : "no time_format reads the values as times from 2000 on";
    return guess;
  }
  if ((values_ - best->values) * kOddOnes > values_) {
    for (const Seen& seen : seen_) {
      // Whole seconds are read by both.
      const bool twice = &seen == &seen_[kUnixReal] && seen.values == seen_[kUnixS].values;
      if (seen.values > 0 && !twice) {
        guess.why += (guess.why.empty() ? "" : ", ") + shares(word(seen), seen.values, values_);
      }
    }
    guess.why = "the values contradict each other: " + guess.why;
    return guess;
  }
  if (calendar_ >= best->values) {
    guess.why = "every value reads as " + word(*best) +
                ", and its digits as a date too (such as yyMMddHHmm), so it could be either";
    return guess;
  }
  guess.format = kFormatsInOrder[static_cast<std::size_t>(best - seen_.begin())];
  guess.earliest = best->earliest;
  guess.latest = best->latest;
  guess.why = shares(word(*best), best->values, values_);
  return guess;
}

}  // namespace holdfast
