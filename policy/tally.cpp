// SPDX-License-Identifier: Apache-2.0
#include "policy/tally.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace holdfast {

std::int64_t ReasonCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

ReasonCounts& ReasonCounts::operator+=(const ReasonCounts& other) {
  for (std::size_t i = 0; i < kReasons; ++i) {
    counts_.at(i) += other.counts_.at(i);
  }
  return *this;
}

TallyPlace owned_place(const TallyPlaceView& place) {
  TallyPlace owned{.tenant = std::nullopt, .category = std::string(place.category)};
  if (place.tenant) {
    owned.tenant = std::string(*place.tenant);
  }
  return owned;
}

void note_newest(PlaceTimes& times, const TallyPlaceView& place, Instant time) {
  const auto found = times.find(place);
  if (found == times.end()) {
    times.emplace(owned_place(place), time);
  } else {
    found->second = std::max(found->second, time);
  }
}

void note_newest(PlaceTimes& times, PlaceTimes&& others) {
  times.merge(others);
  for (const auto& [place, time] : others) {  // those that were there already
    Instant& newest = times.find(place)->second;
    newest = std::max(newest, time);
  }
}

void Tally::add(std::optional<std::string_view> tenant,
                std::string_view category,
                Reason reason,
                std::int64_t rows) {
  at(tenant, category)[reason] += rows;
}

ReasonCounts& Tally::at(std::optional<std::string_view> tenant, std::string_view category) {
  const TallyPlaceView place{.tenant = tenant, .category = category};
  const auto found = places_.find(place);
  return found != places_.end() ? found->second
                                : places_.try_emplace(owned_place(place)).first->second;
}

void Tally::mention(std::optional<std::string_view> tenant, std::string_view category) {
  (void)at(tenant, category);
}

void Tally::add_code(std::string_view code, Reason reason, std::int64_t rows) {
  auto found = codes_.find(code);
  if (found == codes_.end()) {
    found = codes_.try_emplace(std::string(code)).first;
  }
  found->second[reason] += rows;
}

void Tally::add(const Tally& other) {
  for (const auto& [place, counts] : other.places_) {
    places_[place] += counts;
  }
  for (const auto& [code, counts] : other.codes_) {
    codes_[code] += counts;
  }
}

void Tally::add(Tally&& other) {
  places_.merge(other.places_);
  codes_.merge(other.codes_);
  add(std::as_const(other));  // the places and codes that were there already
}

std::vector<const Tally::Places::value_type*> Tally::places_in_order() const {
  std::vector<const Places::value_type*> ordered;
  ordered.reserve(places_.size());
  for (const auto& entry : places_) {
    ordered.push_back(&entry);
  }
  std::sort(ordered.begin(), ordered.end(), [](const auto* left, const auto* right) {
    return TallyPlaceLess{}(left->first, right->first);
  });
  return ordered;
}

ReasonCounts Tally::totals() const {
  ReasonCounts sum;
  for (const auto& [place, counts] : places_) {
    sum += counts;
  }
  return sum;
}

}  // namespace holdfast
