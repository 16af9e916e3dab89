// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/integer_keys.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <stdexcept>

#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr char kBitmap = 'R';
constexpr char kList = 'L';
constexpr std::size_t kLength = sizeof(std::uint64_t);
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63U;
constexpr std::uint64_t kLastPlace = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kPiece = std::size_t{1} << 16U;

[[noreturn]] void refuse() {
  throw StorageError(
      StorageTrouble::corrupt,
      "a list of row keys in Holdfast's own tables cannot be read: restore a backup");
}

std::uint64_t to_place(std::int64_t key) {
  return std::bit_cast<std::uint64_t>(key) ^ kSignBit;
}

std::uint64_t upper_half(std::uint64_t place) {
  return place >> 32U;
}

std::int64_t from_place(std::uint64_t place) {
  return std::bit_cast<std::int64_t>(place ^ kSignBit);
}

/// Calls `visit(place)` for the places of [first, last], ascending.
template <typename Visit>
void for_each_place(const Roaring64Map& keys,
                    std::uint64_t first,
                    std::uint64_t last,
                    const Visit& visit) {
  auto place = keys.begin();
  const auto end = keys.end();
  for (bool more = place.move(first); more && place != end && *place <= last; ++place) {
    if (!visit(*place)) {
      return;
    }
  }
}

/// The library checks lengths and believes the rest: in a damaged bitmap keys may be out of order
/// or other than counted, and then each way of asking has another answer. It keeps the keys in
/// parts, one for each upper half of a place; looking for a key in a part without any gives one
/// that is not there.
void require_order(const Roaring64Map& keys, std::uint64_t parts) {
  std::uint64_t count = 0;
  std::uint64_t last = 0;
  std::uint64_t parts_met = 0;
  for (const std::uint64_t place : keys) {
    if (count > 0 && place <= last) {
      refuse();
    }
    parts_met += count == 0 || upper_half(place) != upper_half(last) ? 1 : 0;
    last = place;
    ++count;
  }
  if (count != keys.cardinality() || parts_met != parts) {
    refuse();
  }
}

/// The library steps from part to part by the size that it would write a part in, which need not be
/// the one that was read: past the end, then. So each part is measured first.
void require_parts(std::string_view rest, std::uint64_t parts) {
  for (; parts > 0; --parts) {
    if (rest.size() < sizeof(std::uint32_t)) {
      refuse();
    }
    rest.remove_prefix(sizeof(std::uint32_t));  // its upper half
    const std::size_t size = roaring_bitmap_portable_deserialize_size(rest.data(), rest.size());
    if (size == 0 || Roaring::readSafe(rest.data(), size).getSizeInBytes() != size) {
      refuse();
    }
    rest.remove_prefix(size);
  }
  if (!rest.empty()) {
    refuse();
  }
}

Roaring64Map read_bitmap(std::string_view bytes) {
  // The library reads the count of its parts in place and unchecked, so the bytes are copied to
  // where an integer may lie, and the count is left out of the length.
  const std::string aligned{bytes};
  if (aligned.size() < kLength) {
    refuse();
  }
  std::uint64_t parts = 0;
  std::memcpy(&parts, aligned.data(), kLength);
  try {
    require_parts(std::string_view{aligned}.substr(kLength), parts);
    Roaring64Map keys = Roaring64Map::readSafe(aligned.data(), aligned.size() - kLength);
    if (keys.getSizeInBytes() != aligned.size()) {
      refuse();
    }
    require_order(keys, parts);
    return keys;
  } catch (const std::runtime_error&) {
    refuse();
  }
}

std::string write_bitmap(Roaring64Map& keys) {
  keys.runOptimize();
  std::string bytes(keys.getSizeInBytes(), '\0');
  keys.write(bytes.data());
  return kBitmap + bytes;
}

void append_length(std::string& out, std::uint64_t length) {
  for (unsigned shift = 64; shift > 0;) {
    shift -= 8;
    out += static_cast<char>(static_cast<unsigned char>((length >> shift) & 0xFFU));
  }
}

/// Takes the next length-prefixed piece off the front of `rest`.
std::string_view take_piece(std::string_view& rest) {
  if (rest.size() < kLength) {
    refuse();
  }
  std::uint64_t length = 0;
  for (const char byte : rest.substr(0, kLength)) {
    length = (length << 8U) | static_cast<unsigned char>(byte);
  }
  rest.remove_prefix(kLength);
  if (length > rest.size()) {
    refuse();
  }
  const std::string_view piece = rest.substr(0, length);
  rest.remove_prefix(length);
  return piece;
}

}  // namespace

IntegerKeySet::IntegerKeySet(std::string_view encoded) {
  if (encoded.empty() || encoded.front() != kBitmap) {
    refuse();
  }
  keys_ = read_bitmap(encoded.substr(1));
}

void IntegerKeySet::add(const RowKey& key) {
  if (!key.is_integer()) {
    throw StorageError(StorageTrouble::other,
                       "the row key " + key.display() + " is not an integer, as the others are");
  }
  keys_.add(to_place(key.as_integer()));
}

bool IntegerKeySet::contains(const RowKey& key) {
  return key.is_integer() && keys_.contains(to_place(key.as_integer()));
}

std::int64_t IntegerKeySet::size() {
  return static_cast<std::int64_t>(keys_.cardinality());
}

void IntegerKeySet::rewind() {
  next_ = 0;
  at_end_ = false;
}

std::vector<RowKey> IntegerKeySet::next(std::size_t most) {
  std::vector<RowKey> found;
  if (at_end_ || most == 0) {
    return found;
  }
  for_each_place(keys_, next_, kLastPlace, [&](std::uint64_t place) {
    found.push_back(RowKey::integer(from_place(place)));
    at_end_ = place == kLastPlace;
    next_ = place + 1;
    return found.size() < most;
  });
  at_end_ = at_end_ || found.size() < most;
  return found;
}

void IntegerKeySet::for_each_bytes(const std::function<void(std::string_view)>& visit) {
  std::string piece;
  const auto append = [&](std::uint64_t place) {
    piece += RowKey::integer(from_place(place)).bytes();
    if (piece.size() >= kPiece) {
      visit(piece);
      piece.clear();
    }
    return true;
  };
  // The bytes of a negative integer are above those of the others: the order of SpilledKeySet.
  for_each_place(keys_, kSignBit, kLastPlace, append);
  for_each_place(keys_, 0, kSignBit - 1, append);
  if (!piece.empty()) {
    visit(piece);
  }
}

std::string IntegerKeySet::encode() {
  return write_bitmap(keys_);
}

std::unique_ptr<KeySet> new_integer_key_set() {
  return std::make_unique<IntegerKeySet>();
}

RowKey key_from(std::string_view bytes) {
  auto key = RowKey::from_bytes(bytes);
  if (!key) {
    refuse();
  }
  return *std::move(key);
}

bool encoded_contains(std::string_view encoded, const RowKey& key) {
  if (encoded.empty()) {
    refuse();
  }
  std::string_view rest = encoded.substr(1);
  if (encoded.front() == kBitmap) {
    return key.is_integer() && read_bitmap(rest).contains(to_place(key.as_integer()));
  }
  if (encoded.front() != kList) {
    refuse();
  }
  const std::string wanted = key.bytes();
  while (!rest.empty()) {
    if (take_piece(rest) == wanted) {
      return true;
    }
  }
  return false;
}

std::string encode_keys(const std::vector<RowKey>& keys) {
  // A bitmap gives keys back by size and each once: other lists have to be kept as they are.
  const bool integers =
      std::all_of(keys.begin(), keys.end(), [](const RowKey& key) { return key.is_integer(); });
  const bool each_above_the_last =
      std::adjacent_find(keys.begin(), keys.end(), std::greater_equal<>{}) == keys.end();
  if (integers && each_above_the_last) {
    Roaring64Map places;
    for (const RowKey& key : keys) {
      places.add(to_place(key.as_integer()));
    }
    return write_bitmap(places);
  }
  std::string list{kList};
  for (const RowKey& key : keys) {
    const std::string bytes = key.bytes();
    append_length(list, bytes.size());
    list += bytes;
  }
  return list;
}

std::vector<RowKey> decode_keys(std::string_view bytes) {
  std::vector<RowKey> keys;
  if (bytes.empty()) {
    refuse();
  }
  std::string_view rest = bytes.substr(1);
  if (bytes.front() == kBitmap) {
    const Roaring64Map places = read_bitmap(rest);
    for_each_place(places, 0, kLastPlace, [&](std::uint64_t place) {
      keys.push_back(RowKey::integer(from_place(place)));
      return true;
    });
    return keys;
  }
  if (bytes.front() != kList) {
    refuse();
  }
  while (!rest.empty()) {
    keys.push_back(key_from(take_piece(rest)));
  }
  return keys;
}

}  // namespace holdfast
