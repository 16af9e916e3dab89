// SPDX-License-Identifier: Apache-2.0
#include "policy/calendar_day.h"

namespace holdfast {

date::sys_days last_day_of(date::year_month month) {
  return date::sys_days{month / date::last};
}

date::sys_days same_day_in(date::year_month month, date::year_month_day day) {
  const date::year_month_day wanted = month / day.day();
  return wanted.ok() ? date::sys_days{wanted} : last_day_of(month);
}

date::sys_days months_after(date::sys_days day, int months) {
  const date::year_month_day start{day};
  return same_day_in(start.year() / start.month() + date::months{months}, start);
}

}  // namespace holdfast
