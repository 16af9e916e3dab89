// SPDX-License-Identifier: Apache-2.0
// A set of keys that is nobody else's: packed in memory, and in a database of its own once it is
// large.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/registers/packed_keys.h"
#include "storage/sqlite/key_sets.h"

namespace holdfast {
namespace {

constexpr const char* kOwnDatabase = R"sql(
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -40000;
BEGIN
)sql";

// Keys wait to be sorted and packed until they have so many bytes.
constexpr std::size_t kWaiting = std::size_t{8} << 20;
constexpr std::size_t kShareWaiting = 4;  // of what may be in memory, where that is little

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
  explicit PrivateKeySet(std::size_t in_memory)
      : in_memory_(std::min(in_memory, kKeysInMemory)),
        most_waiting_(std::min(in_memory_ / kShareWaiting, kWaiting)) {}

  void add(const RowKey& key) override {
    const std::string bytes = key.bytes();
    places_.push_back({.begin = static_cast<std::uint32_t>(waiting_.size()),
                       .length = static_cast<std::uint32_t>(bytes.size())});
    waiting_ += bytes;
    if (waiting_.size() + places_.size() * sizeof(Place) > most_waiting_) {
      pack();
    }
  }

  [[nodiscard]] bool contains(const RowKey& key) override {
    settle();
    return spilled_ ? spilled_->keys.contains(key) : has(key.bytes());
  }

  [[nodiscard]] std::int64_t size() override {
    settle();
    return spilled_ ? spilled_->keys.size() : static_cast<std::int64_t>(packed().size());
  }

  void rewind() override {
    reader_.reset();
    if (spilled_) {
      spilled_->keys.rewind();
    }
  }

  [[nodiscard]] std::vector<RowKey> next(std::size_t most) override {
    settle();
    if (spilled_) {
      return spilled_->keys.next(most);
    }
    if (!reader_) {
      reader_.emplace(packed());
    }
    std::vector<RowKey> keys;
    while (keys.size() < most && reader_->next()) {
      keys.push_back(key_from(reader_->key()));
    }
    return keys;
  }

  [[nodiscard]] bool shareable() const override { return false; }

  void for_each_bytes(const std::function<void(std::string_view)>& visit) override {
    settle();
    if (spilled_) {
      spilled_->keys.for_each_bytes(visit);
      return;
    }
    for (PackedKeys::Reader reader{packed()}; reader.next();) {
      visit(reader.key());
    }
  }

 private:
  /// Where the bytes of a key are.
  struct Place {
    std::uint32_t begin = 0;
    std::uint32_t length = 0;
  };

  [[nodiscard]] std::string_view text(const Place& place) const {
    return std::string_view{waiting_}.substr(place.begin, place.length);
  }

  /// All keys of a set that has settled in memory.
  [[nodiscard]] const PackedKeys& packed() const { return parts_.front(); }

  /// Keys are mostly asked for in their order: the one after the last that was found comes first.
  [[nodiscard]] bool has(std::string_view key) {
    if (!asked_) {
      asked_.emplace(packed());
    }
    return (asked_->next() && asked_->key() == key) || asked_->find(key);
  }

  /// All keys are in one place, each once, in the order of their bytes.
  void settle() {
    if (!places_.empty()) {
      pack();
    }
    if (!spilled_ && parts_.size() != 1) {
      PackedKeys all = merge_keys(parts_);
      parts_.clear();
      parts_.push_back(std::move(all));
    }
  }

  /// What waited becomes a part that is sorted and packed.
  void pack() {
    const auto before = [this](const Place& left, const Place& right) {
      return text(left) < text(right);
    };
    // As they mostly come from a log.
    if (!std::is_sorted(places_.begin(), places_.end(), before)) {
      std::sort(places_.begin(), places_.end(), before);
    }
    const auto same = [this](const Place& left, const Place& right) {
      return text(left) == text(right);
    };
    places_.erase(std::unique(places_.begin(), places_.end(), same), places_.end());
    PackedKeys& part = parts_.emplace_back();
    for (const Place& place : places_) {
      part.append(text(place));
    }
    part.shrink();
    places_.clear();
    waiting_.clear();
    reader_.reset();
    asked_.reset();
    std::size_t bytes = 0;
    for (const PackedKeys& each : parts_) {
      bytes += each.bytes();
    }
    if (spilled_ || bytes > in_memory_) {
      spill();
    }
  }

  /// Sorted, because a tree on disk grows fastest at its end.
  void spill() {
    if (!spilled_) {
      spilled_.emplace();
    }
    const PackedKeys all = merge_keys(parts_);
    parts_.clear();
    for (PackedKeys::Reader reader{all}; reader.next();) {
      spilled_->keys.add_bytes(reader.key());
    }
  }

  std::size_t in_memory_;
  std::size_t most_waiting_;
  std::string waiting_;  // the bytes of keys that are not packed yet, in the order of adding
  std::vector<Place> places_;
  std::vector<PackedKeys> parts_;             // one where it has settled in memory
  std::optional<PackedKeys::Reader> reader_;  // for next()
  std::optional<PackedKeys::Reader> asked_;   // for contains()
  std::optional<SpilledKeys> spilled_;
};

}  // namespace

std::unique_ptr<KeySet> new_spilled_key_set(std::size_t in_memory) {
  return std::make_unique<PrivateKeySet>(in_memory);
}

}  // namespace holdfast
