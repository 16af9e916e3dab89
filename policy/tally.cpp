// SPDX-License-Identifier: Apache-2.0
#include "policy/tally.h"

#include <numeric>

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

void Tally::add(std::optional<std::string_view> tenant,
                std::string_view category,
                Reason reason,
                std::int64_t rows) {
  const TallyPlaceView place{.tenant = tenant, .category = category};
  auto found = places_.find(place);
  if (found == places_.end()) {
    mention(tenant, category);
    found = places_.find(place);
  }
  found->second[reason] += rows;
}

void Tally::mention(std::optional<std::string_view> tenant, std::string_view category) {
  TallyPlace place{.tenant = std::nullopt, .category = std::string(category)};
  if (tenant) {
    place.tenant = std::string(*tenant);
  }
  places_.try_emplace(std::move(place));
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

ReasonCounts Tally::totals() const {
  ReasonCounts sum;
  for (const auto& [place, counts] : places_) {
    sum += counts;
  }
  return sum;
}

}  // namespace holdfast
