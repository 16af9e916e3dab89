// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/row_key.h"

namespace holdfast {

/// A set of row keys that does not grow with the rows' size: a compressed bitmap for integer keys,
/// a table that spills to disk for all others.
class KeySet {
 public:
  KeySet() = default;
  KeySet(const KeySet&) = delete;
  KeySet& operator=(const KeySet&) = delete;
  KeySet(KeySet&&) = delete;
  KeySet& operator=(KeySet&&) = delete;
  virtual ~KeySet() = default;

  virtual void add(const RowKey& key) = 0;
  [[nodiscard]] virtual bool contains(const RowKey& key) = 0;
  [[nodiscard]] virtual std::int64_t size() = 0;
  /// Starts next() from the beginning.
  virtual void rewind() = 0;
  /// Up to `most` further keys, ascending: integers by their value, others by their bytes; empty at
  /// the end. Adding while reading is not allowed.
  [[nodiscard]] virtual std::vector<RowKey> next(std::size_t most) = 0;
  /// True where several threads may ask contains() at once, as long as nobody adds.
  [[nodiscard]] virtual bool shareable() const = 0;
  /// All keys as bytes that do not depend on the order of adding: what a digest covers.
  /// Shapes: called with one piece after another.
  virtual void for_each_bytes(const std::function<void(std::string_view)>& visit) = 0;
};

/// An empty set for integer keys, in memory.
[[nodiscard]] std::unique_ptr<KeySet> new_integer_key_set();
/// An empty set for keys of any kind, of which no transaction takes anything back: packed in memory
/// up to so many bytes, and beyond in a private temporary file. 64 MiB are about six million keys
/// of two numbers.
constexpr std::size_t kKeysInMemory = std::size_t{64} << 20;
[[nodiscard]] std::unique_ptr<KeySet> new_spilled_key_set(std::size_t in_memory = kKeysInMemory);

/// Keys in the form in which the ledger keeps them: a compressed bitmap (integers) or
/// length-prefixed canonical bytes. The first byte says which.
[[nodiscard]] std::string encode_keys(const std::vector<RowKey>& keys);
/// The reverse. Errors: StorageError (corrupt) for bytes that are no key list.
[[nodiscard]] std::vector<RowKey> decode_keys(std::string_view bytes);

}  // namespace holdfast
