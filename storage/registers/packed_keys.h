// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// Keys in ascending order of their bytes, each written as what is different from the one before:
/// about 10 bytes for a key of two numbers, which has 34. Every 32nd is written whole, and is where
/// a search begins.
class PackedKeys {
 public:
  /// Reads the keys from the first to the last. Appending makes it invalid.
  class Reader {
   public:
    explicit Reader(const PackedKeys& keys) : keys_(&keys) {}

    /// Goes on to the next key. Returns false at the end.
    [[nodiscard]] bool next();
    /// The key that next() went to; valid until it goes on.
    [[nodiscard]] std::string_view key() const { return key_; }
    /// Goes to the key. Returns false where there is none such; then it stands somewhere near.
    [[nodiscard]] bool find(std::string_view wanted);

   private:
    const PackedKeys* keys_;
    std::size_t place_ = 0;  // of the key that comes next
    std::size_t at_ = 0;     // where its bytes begin
    std::string key_;
  };

  /// `key` is above all others.
  void append(std::string_view key);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Bytes of memory.
  [[nodiscard]] std::size_t bytes() const {
    return bytes_.capacity() + blocks_.capacity() * sizeof(std::size_t);
  }
  /// Gives back memory that was reserved for further keys.
  void shrink();

 private:
  [[nodiscard]] std::string_view first_of(std::size_t block) const;

  std::string bytes_;
  std::vector<std::size_t> blocks_;  // where each begins
  std::string last_;
  std::size_t size_ = 0;
};

/// One after the other in a single order, each key once.
[[nodiscard]] PackedKeys merge_keys(const std::vector<PackedKeys>& parts);

}  // namespace holdfast
