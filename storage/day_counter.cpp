// SPDX-License-Identifier: Apache-2.0
#include "storage/day_counter.h"

#include <cassert>

#include "policy/row_key.h"
#include "storage/value_form.h"

namespace holdfast {

void DayCounter::add(const Group& group, const StoredView& stored_time) {
  const auto time = parse_event_time(stored_time, format_);
  if (!time) {
    return;
  }
  const auto day = date::floor<date::days>(*time + kEastmostZone);
  group_.clear();
  for (const StoredView& value : group) {
    append_canonical(group_, value);
  }
  if (rows_ == 0 || day != last_day_ || group_ != last_group_) {
    finish();
    last_day_ = day;
    last_group_ = group_;
  }
  ++rows_;
}

void DayCounter::finish() {
  if (rows_ == 0) {
    return;
  }
  const auto values = split_canonical(last_group_);
  assert(values && values->size() == Group{}.size());
  const std::int64_t rows = rows_;
  rows_ = 0;
  visit_log_day({values->at(0), values->at(1), values->at(2)}, last_day_, rows, visit_);
}

void visit_log_day(const DayCounter::Group& group,
                   date::sys_days day,
                   std::int64_t rows,
                   const DayVisit& visit) {
  TextForm code;
  TextForm tenant;
  TextForm category;
  LogDay facts{.tenant = tenant.of(group[1]),
               .stored_category = category.of(group[2]),
               .first = Instant{day} - kEastmostZone,
               .rows = rows};
  if (can_be_code(group[0])) {
    facts.code = code.of(group[0]);
  }
  visit(facts);
}

}  // namespace holdfast
