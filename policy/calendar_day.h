// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <date/date.h>

namespace holdfast {

/// The days that calendar rules count with, both included. The date library keeps years in 16 bits,
/// and a window of 400 years must fit on either side.
inline constexpr date::sys_days kFirstCountedDay{date::year{-20000} / 1 / 1};
inline constexpr date::sys_days kLastCountedDay{date::year{20000} / 12 / 31};

/// The last day of a month.
[[nodiscard]] date::sys_days last_day_of(date::year_month month);

/// The day of `month` with the number of `day`, or the last one where it has no such number.
[[nodiscard]] date::sys_days same_day_in(date::year_month month, date::year_month_day day);

/// The same day of the month, `months` later or (negative) sooner; a day that the month lacks
/// becomes its last. Shapes: `day` one that is counted with, at most 4,800 months either way.
/// Source: Reg. (EEC, Euratom) 1182/71 art. 3.
[[nodiscard]] date::sys_days months_after(date::sys_days day, int months);

}  // namespace holdfast
