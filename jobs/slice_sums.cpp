// SPDX-License-Identifier: Apache-2.0
#include "jobs/slice_sums.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>

namespace holdfast {
namespace {

TallyPlaceView place_of_row(const RowFacts& row, const Decision& decision) {
  return {.tenant = row.tenant, .category = decision.category};
}

std::string_view code_of_row(const RowFacts& row) {
  return row.code.value_or(std::string_view{});
}

bool has_sane_time(const Decision& decision) {
  return !decision.bad_time && decision.time.has_value();
}

}  // namespace

void SliceSums::count(const RowFacts& row, const Decision& decision) {
  tally.add(row.tenant, decision.category, decision.reason);
  if (!decision.deletes()) {
    return;
  }
  tally.add_code(code_of_row(row), decision.reason);
  if (has_sane_time(decision)) {
    note_newest(newest_deleted, place_of_row(row, decision), *decision.time);
  }
}

void SliceSums::add(SliceSums&& other) {
  tally.add(std::move(other.tally));
  note_newest(newest_deleted, std::move(other.newest_deleted));
}

void SumsByPart::add(const RowFacts& row, const Decision& decision) {
  Group& one = open_.emplace_back();
  one.place = place_of(place_of_row(row, decision));
  one.reason = decision.reason;
  if (!decision.deletes()) {
    return;
  }
  one.code = code_of(code_of_row(row));
  if (has_sane_time(decision)) {
    one.sane_time = true;
    one.newest = *decision.time;
  }
}

void SumsByPart::end_part() {
  std::sort(open_.begin(), open_.end(), [](const Group& left, const Group& right) {
    return std::tie(left.place, left.code, left.reason, left.sane_time) <
           std::tie(right.place, right.code, right.reason, right.sane_time);
  });
  const std::size_t begin = groups_.size();
  for (const Group& one : open_) {
    if (groups_.size() > begin && groups_.back().counts_as(one)) {
      groups_.back().rows += one.rows;
      groups_.back().newest = std::max(groups_.back().newest, one.newest);
    } else {
      groups_.push_back(one);
    }
  }
  open_.clear();
  ends_.push_back(groups_.size());
}

SliceSums SumsByPart::of_first(std::size_t parts) const {
  std::vector<ReasonCounts> counts(places_.size());
  std::vector<std::optional<Instant>> newest(places_.size());
  std::vector<std::int64_t> gone(codes_.size());
  for (const Group& group : std::span{groups_}.first(parts == 0 ? 0 : ends_.at(parts - 1))) {
    counts[group.place][group.reason] += group.rows;
    if (group.code != kNoCode) {
      gone[group.code] += group.rows;
    }
    if (group.sane_time) {
      auto& time = newest[group.place];
      time = std::max(time.value_or(group.newest), group.newest);
    }
  }
  SliceSums sums;
  sums.tally.places().reserve(places_.size());
  for (const auto& [place, number] : places_) {
    if (counts[number].total() > 0) {
      sums.tally.places().emplace(place, counts[number]);
    }
    if (newest[number]) {
      sums.newest_deleted.emplace(place, *newest[number]);
    }
  }
  for (const auto& [code, number] : codes_) {
    if (gone[number] > 0) {
      sums.tally.add_code(code, Reason::expired, gone[number]);
    }
  }
  return sums;
}

std::uint32_t SumsByPart::place_of(const TallyPlaceView& place) {
  const auto found = places_.find(place);
  if (found != places_.end()) {
    return found->second;
  }
  const auto number = static_cast<std::uint32_t>(places_.size());
  return places_.emplace(owned_place(place), number).first->second;
}

std::uint32_t SumsByPart::code_of(std::string_view code) {
  const auto found = codes_.find(code);
  if (found != codes_.end()) {
    return found->second;
  }
  const auto number = static_cast<std::uint32_t>(codes_.size());
  return codes_.emplace(std::string(code), number).first->second;
}

}  // namespace holdfast
