// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/packed_keys.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

namespace holdfast {
namespace {

constexpr std::size_t kBlock = 32;
// Fewer equal bytes than these are written with the others: to leave them out takes two.
constexpr std::size_t kWorthLeavingOut = 3;
constexpr unsigned kBitsPerByte = 7;
constexpr unsigned char kMore = 0x80;

void append_number(std::string& out, std::size_t number) {
  for (; number >= kMore; number >>= kBitsPerByte) {
    out += static_cast<char>(static_cast<unsigned char>(number) | kMore);
  }
  out += static_cast<char>(number);
}

std::size_t take_number(std::string_view bytes, std::size_t& at) {
  std::size_t number = 0;
  for (unsigned shift = 0;; shift += kBitsPerByte) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    number |= static_cast<std::size_t>(byte & (kMore - 1U)) << shift;
    if (byte < kMore) {
      return number;
    }
  }
}

/// How many bytes from `at` on are the same in both.
std::size_t equal_bytes(std::string_view before, std::string_view key, std::size_t at) {
  const std::size_t end = std::min(before.size(), key.size());
  std::size_t to = at;
  while (to < end && before[to] == key[to]) {
    ++to;
  }
  return to - at;
}

/// How many bytes from `at` on have to be written, until so many are equal that it pays to stop.
std::size_t other_bytes(std::string_view before, std::string_view key, std::size_t at) {
  std::size_t to = at;
  while (to < key.size()) {
    const std::size_t equal = equal_bytes(before, key, to);
    if (equal >= kWorthLeavingOut || (equal > 0 && to + equal == key.size())) {
      break;
    }
    to += std::max<std::size_t>(equal, 1);
  }
  return to - at;
}

/// Readers of several parts in the order of the keys that they stand at.
class Merge {
 public:
  explicit Merge(const std::vector<PackedKeys>& parts) {
    readers_.reserve(parts.size());
    for (const PackedKeys& part : parts) {
      push(readers_.emplace_back(part));
    }
  }

  /// The lowest key that was not given yet. Returns false at the end; the key is valid until then.
  [[nodiscard]] bool next() {
    if (given_ != nullptr) {
      push(*std::exchange(given_, nullptr));
    }
    if (waiting_.empty()) {
      return false;
    }
    given_ = waiting_.top();
    waiting_.pop();
    return true;
  }
  [[nodiscard]] std::string_view key() const { return given_->key(); }

 private:
  struct Above {
    bool operator()(const PackedKeys::Reader* left, const PackedKeys::Reader* right) const {
      return left->key() > right->key();
    }
  };

  void push(PackedKeys::Reader& reader) {
    if (reader.next()) {
      waiting_.push(&reader);
    }
  }

  std::vector<PackedKeys::Reader> readers_;  // reserved: they are pointed to
  std::priority_queue<PackedKeys::Reader*, std::vector<PackedKeys::Reader*>, Above> waiting_;
  PackedKeys::Reader* given_ = nullptr;
};

}  // namespace

bool PackedKeys::Reader::next() {
  if (place_ == keys_->size_) {
    return false;
  }
  if (place_ % kBlock == 0) {
    key_.clear();
  }
  const std::string_view bytes = keys_->bytes_;
  const std::size_t length = take_number(bytes, at_);
  key_.resize(length);  // what is the same stays where it is
  for (std::size_t to = 0; to < length;) {
    to += take_number(bytes, at_);
    if (to < length) {
      const std::size_t others = take_number(bytes, at_);
      key_.replace(to, others, bytes, at_, others);
      at_ += others;
      to += others;
    }
  }
  ++place_;
  return true;
}

bool PackedKeys::Reader::find(std::string_view wanted) {
  std::size_t low = 0;
  for (std::size_t high = keys_->blocks_.size(); low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    if (keys_->first_of(middle) <= wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) {
    return false;
  }
  place_ = (low - 1) * kBlock;
  at_ = keys_->blocks_[low - 1];
  bool more = next();
  while (more && key_ < wanted) {
    more = next();
  }
  return more && key_ == wanted;
}

void PackedKeys::append(std::string_view key) {
  if (size_ % kBlock == 0) {
    blocks_.push_back(bytes_.size());
    last_.clear();
  }
  append_number(bytes_, key.size());
  for (std::size_t at = 0; at < key.size();) {
    const std::size_t equal = equal_bytes(last_, key, at);
    append_number(bytes_, equal);
    at += equal;
    if (at < key.size()) {
      const std::size_t others = other_bytes(last_, key, at);
      append_number(bytes_, others);
      bytes_ += key.substr(at, others);
      at += others;
    }
  }
  last_ = key;
  ++size_;
}

void PackedKeys::shrink() {
  bytes_.shrink_to_fit();
  blocks_.shrink_to_fit();
}

/// The first key of a block is written whole, so it can be looked at where it stands.
std::string_view PackedKeys::first_of(std::size_t block) const {
  std::size_t at = blocks_[block];
  const std::size_t length = take_number(bytes_, at);
  if (length == 0) {
    return {};
  }
  (void)take_number(bytes_, at);  // nothing is left out
  (void)take_number(bytes_, at);
  return std::string_view{bytes_}.substr(at, length);
}

PackedKeys merge_keys(const std::vector<PackedKeys>& parts) {
  PackedKeys all;
  std::string last;
  for (Merge merge{parts}; merge.next();) {
    if (all.size() == 0 || merge.key() != last) {
      last = merge.key();
      all.append(last);
    }
  }
  all.shrink();
  return all;
}

}  // namespace holdfast
