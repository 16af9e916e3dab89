// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/key_set.h"

#include <roaring/roaring64map.hh>

namespace holdfast {

/// Integer keys as a compressed bitmap in memory: a few bytes per run of keys, two per lonely one.
class IntegerKeySet final : public KeySet {
 public:
  IntegerKeySet() = default;
  /// The set that encode() gave. Errors: StorageError (corrupt) for other bytes.
  explicit IntegerKeySet(std::string_view encoded);

  /// Errors: StorageError where the key is not an integer.
  void add(const RowKey& key) override;
  [[nodiscard]] bool contains(const RowKey& key) override;
  [[nodiscard]] std::int64_t size() override;
  void rewind() override;
  [[nodiscard]] std::vector<RowKey> next(std::size_t most) override;
  [[nodiscard]] bool shareable() const override { return true; }
  void for_each_bytes(const std::function<void(std::string_view)>& visit) override;

  /// The bytes that encode_keys() gives for these keys.
  [[nodiscard]] std::string encode();

 private:
  // Integers with the sign bit flipped, so that the order of the bitmap is that of the integers.
  Roaring64Map keys_;
  std::uint64_t next_ = 0;
  bool at_end_ = false;
};

/// The key that canonical bytes stand for. Errors: StorageError (corrupt) for bytes that are no
/// key.
[[nodiscard]] RowKey key_from(std::string_view bytes);

/// True where an encoded key list has the key, without taking the list apart.
/// Errors: StorageError (corrupt) for bytes that are no key list.
[[nodiscard]] bool encoded_contains(std::string_view encoded, const RowKey& key);

}  // namespace holdfast
