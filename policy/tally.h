// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/instant.h"
#include "policy/reason.h"
#include "policy/text_hash.h"

namespace holdfast {

/// How many rows have each reason; `expired` are the ones deleted, or to delete.
class ReasonCounts {
 public:
  [[nodiscard]] std::int64_t& operator[](Reason reason) {
    return counts_[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::int64_t operator[](Reason reason) const {
    return counts_[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::int64_t total() const;
  [[nodiscard]] std::int64_t deleted() const { return (*this)[Reason::expired]; }
  [[nodiscard]] std::int64_t kept() const { return total() - deleted(); }
  ReasonCounts& operator+=(const ReasonCounts& other);
  [[nodiscard]] bool operator==(const ReasonCounts&) const = default;

 private:
  std::array<std::int64_t, kReasons> counts_{};
};

/// One tenant's category; the tenant is none for rows without one, the category empty for rows
/// whose code is unknown.
struct TallyPlace {
  std::optional<std::string> tenant;
  std::string category;

  [[nodiscard]] auto operator<=>(const TallyPlace&) const = default;
};

/// A place named without owning it, for looking one up.
struct TallyPlaceView {
  std::optional<std::string_view> tenant;
  std::string_view category;
};

/// Orders places and views of them alike: no tenant first, then by tenant and category.
struct TallyPlaceLess {
  using is_transparent = void;  // NOLINT(readability-identifier-naming): the library's name
  [[nodiscard]] static TallyPlaceView view(const TallyPlace& place) {
    return {.tenant = place.tenant, .category = place.category};
  }
  [[nodiscard]] static TallyPlaceView view(const TallyPlaceView& place) { return place; }
  template <typename A, typename B>
  [[nodiscard]] bool operator()(const A& a, const B& b) const {
    const TallyPlaceView left = view(a);
    const TallyPlaceView right = view(b);
    return left.tenant == right.tenant ? left.category < right.category
                                       : left.tenant < right.tenant;
  }
};

using TallyPlaceSet = std::set<TallyPlace, TallyPlaceLess>;

/// Hashes places and views of them alike. With ten thousand tenants, most rows are counted in a
/// place of their own.
struct TallyPlaceHash {
  using is_transparent = void;  // NOLINT(readability-identifier-naming): the library's name
  template <typename Place>
  [[nodiscard]] std::size_t operator()(const Place& place) const {
    const TallyPlaceView view = TallyPlaceLess::view(place);
    constexpr std::size_t spread = 0x9E37'79B9'7F4A'7C15;  // 2^64 divided by the golden ratio
    const std::size_t tenant = view.tenant ? TextHash{}(*view.tenant) : 0;
    return TextHash{}(view.category) * spread ^ tenant;
  }
};

struct TallyPlaceEqual {
  using is_transparent = void;  // NOLINT(readability-identifier-naming): the library's name
  template <typename A, typename B>
  [[nodiscard]] bool operator()(const A& a, const B& b) const {
    const TallyPlaceView left = TallyPlaceLess::view(a);
    const TallyPlaceView right = TallyPlaceLess::view(b);
    return left.tenant == right.tenant && left.category == right.category;
  }
};

template <typename Value>
using PlaceMap = std::unordered_map<TallyPlace, Value, TallyPlaceHash, TallyPlaceEqual>;

/// A time for each place: the newest, or the oldest, of the rows that it is about.
using PlaceTimes = PlaceMap<Instant>;

[[nodiscard]] TallyPlace owned_place(const TallyPlaceView& place);
/// Remembers the later of the two times for this place.
void note_newest(PlaceTimes& times, const TallyPlaceView& place, Instant time);
/// The same for all of the others, which are left empty or undefined.
void note_newest(PlaceTimes& times, PlaceTimes&& others);

/// Rows counted by tenant, category and reason, and deleted ones by code.
class Tally {
 public:
  using Places = PlaceMap<ReasonCounts>;

  void add(std::optional<std::string_view> tenant,
           std::string_view category,
           Reason reason,
           std::int64_t rows = 1);
  /// The counts of a place, zeros where it is new; valid as long as the tally.
  [[nodiscard]] ReasonCounts& at(std::optional<std::string_view> tenant, std::string_view category);
  /// Counts nothing, but makes the place appear in reports.
  void mention(std::optional<std::string_view> tenant, std::string_view category);
  void add_code(std::string_view code, Reason reason, std::int64_t rows = 1);
  void add(const Tally& other);
  /// The same, quicker; `other` is not used any more.
  void add(Tally&& other);

  [[nodiscard]] const Places& places() const { return places_; }
  [[nodiscard]] Places& places() { return places_; }
  /// The places by tenant, those without one first, and category. Valid until the next change.
  [[nodiscard]] std::vector<const Places::value_type*> places_in_order() const;
  /// Code to its counts: only for reasons that were added with add_code().
  [[nodiscard]] const std::map<std::string, ReasonCounts, std::less<>>& codes() const {
    return codes_;
  }
  [[nodiscard]] ReasonCounts totals() const;

 private:
  Places places_;
  std::map<std::string, ReasonCounts, std::less<>> codes_;
};

}  // namespace holdfast
