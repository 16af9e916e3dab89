// SPDX-License-Identifier: Apache-2.0
// A set of keys that is nobody else's: sorted in memory, and in a database of its own once it is
// large.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/sqlite/key_sets.h"

namespace holdfast {
namespace {

constexpr const char* kOwnDatabase = R"sql(
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -40000;
BEGIN
)sql";

// Enough that sorting them first is worth it.
constexpr std::size_t kOnTheWayToDisk = std::size_t{4} << 20;

SQLite::Database own_database() {
  // NOLINTNEXTLINE(hicpp-signed-bitwise): SQLite's own flags.
  SQLite::Database db{"", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  db.exec(kOwnDatabase);
  return db;
}

/// Nothing outlives it: there is nothing to take back, and nothing to sync.
struct SpilledKeys {
  SQLite::Database db = own_database();
  SpilledKeySet keys{db};
};

class PrivateKeySet final : public KeySet {
 public:
  explicit PrivateKeySet(std::size_t in_memory) : in_memory_(std::min(in_memory, kKeysInMemory)) {}

  void add(const RowKey& key) override {
    const std::string bytes = key.bytes();
    places_.push_back({.begin = static_cast<std::uint32_t>(bytes_.size()),
                       .length = static_cast<std::uint32_t>(bytes.size())});
    bytes_ += bytes;
    sorted_ = false;
    if (bytes_.size() + places_.size() * sizeof(Place) > in_memory_) {
      spill();
    }
  }

  [[nodiscard]] bool contains(const RowKey& key) override {
    settle();
    return spilled_ ? spilled_->keys.contains(key) : has(key.bytes());
  }

  [[nodiscard]] std::int64_t size() override {
    settle();
    return spilled_ ? spilled_->keys.size() : static_cast<std::int64_t>(places_.size());
  }

  void rewind() override {
    next_ = 0;
    if (spilled_) {
      spilled_->keys.rewind();
    }
  }

  [[nodiscard]] std::vector<RowKey> next(std::size_t most) override {
    settle();
    if (spilled_) {
      return spilled_->keys.next(most);
    }
    std::vector<RowKey> keys;
    keys.reserve(std::min(most, places_.size() - next_));
    for (; next_ < places_.size() && keys.size() < most; ++next_) {
      keys.push_back(key_from(text(places_[next_])));
    }
    return keys;
  }

  [[nodiscard]] bool shareable() const override { return false; }

  void for_each_bytes(const std::function<void(std::string_view)>& visit) override {
    settle();
    if (spilled_) {
      spilled_->keys.for_each_bytes(visit);
    }
    for (const Place& place : places_) {
      visit(text(place));
    }
  }

 private:
  /// Where the bytes of a key are.
  struct Place {
    std::uint32_t begin = 0;
    std::uint32_t length = 0;
  };

  [[nodiscard]] std::string_view text(const Place& place) const {
    return std::string_view{bytes_}.substr(place.begin, place.length);
  }

  /// Keys are mostly asked for in their order: the one after the last that was found comes first.
  [[nodiscard]] bool has(std::string_view key) {
    if (likely_ < places_.size() && text(places_[likely_]) == key) {
      ++likely_;
      return true;
    }
    const auto found = std::lower_bound(
        places_.begin(), places_.end(), key, [this](const Place& place, std::string_view wanted) {
          return text(place) < wanted;
        });
    if (found == places_.end() || text(*found) != key) {
      return false;
    }
    likely_ = static_cast<std::size_t>(found - places_.begin()) + 1;
    return true;
  }

  /// All keys are in one place, each once, in the order of their bytes.
  void settle() {
    if (spilled_ && !places_.empty()) {
      spill();
    }
    sort();
  }

  void sort() {
    if (sorted_) {
      return;
    }
    std::sort(places_.begin(), places_.end(), [this](const Place& left, const Place& right) {
      return text(left) < text(right);
    });
    const auto same = [this](const Place& left, const Place& right) {
      return text(left) == text(right);
    };
    places_.erase(std::unique(places_.begin(), places_.end(), same), places_.end());
    sorted_ = true;
  }

  /// Sorted, because a tree on disk grows fastest at its end.
  void spill() {
    sort();
    if (!spilled_) {
      spilled_.emplace();
    }
    for (const Place& place : places_) {
      spilled_->keys.add_bytes(text(place));
    }
    places_ = {};
    bytes_ = {};
    in_memory_ = std::min(in_memory_, kOnTheWayToDisk);
  }

  std::size_t in_memory_;
  std::string bytes_;  // of all keys, in the order of adding
  std::vector<Place> places_;
  bool sorted_ = true;
  std::size_t next_ = 0;    // for next()
  std::size_t likely_ = 0;  // the place that is looked at first
  std::optional<SpilledKeys> spilled_;
};

}  // namespace

std::unique_ptr<KeySet> new_spilled_key_set(std::size_t in_memory) {
  return std::make_unique<PrivateKeySet>(in_memory);
}

}  // namespace holdfast
