// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "policy/decision.h"
#include "policy/tally.h"
#include "policy/text_hash.h"

namespace holdfast {

/// What rows come to that were decided.
struct SliceSums {
  Tally tally;
  PlaceTimes newest_deleted;  ///< of sane times

  /// Counts one row, its code too where it goes.
  void count(const RowFacts& row, const Decision& decision);
  /// Adds the sums of other rows; `other` is not used any more.
  void add(SliceSums&& other);
};

/// The sums of a slice that is decided part by part, and may end after any of them. Rows of a part
/// that count alike are in memory once, in 32 bytes.
class SumsByPart {
 public:
  void add(const RowFacts& row, const Decision& decision);
  /// The rows since the last call are a part.
  void end_part();
  [[nodiscard]] std::size_t parts() const { return ends_.size(); }
  /// What SliceSums::count() makes of the rows of so many parts, from the first. At most parts().
  [[nodiscard]] SliceSums of_first(std::size_t parts) const;

 private:
  static constexpr std::uint32_t kNoCode = std::numeric_limits<std::uint32_t>::max();

  /// Rows that differ in nothing but their times.
  struct Group {
    std::uint32_t place = 0;
    std::uint32_t code = kNoCode;  ///< of rows that go
    Reason reason = Reason::bad_time;
    bool sane_time = false;
    std::int64_t rows = 1;
    Instant newest;  ///< where times are sane

    [[nodiscard]] bool counts_as(const Group& other) const {
      return place == other.place && code == other.code && reason == other.reason &&
             sane_time == other.sane_time;
    }
  };

  [[nodiscard]] std::uint32_t place_of(const TallyPlaceView& place);
  [[nodiscard]] std::uint32_t code_of(std::string_view code);

  std::vector<Group> open_;  // the rows of the part at hand
  std::vector<Group> groups_;
  std::vector<std::size_t> ends_;  // of each part, in groups_
  PlaceMap<std::uint32_t> places_;
  TextMap<std::uint32_t> codes_;
};

}  // namespace holdfast
