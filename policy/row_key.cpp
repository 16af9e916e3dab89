// SPDX-License-Identifier: Apache-2.0
#include "policy/row_key.h"

#include <bit>
#include <cstring>
#include <vector>

namespace holdfast {
namespace {

constexpr std::size_t kHeader = 1 + sizeof(std::uint64_t);  // type letter and length

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) {
    value = (value << 8U) | static_cast<unsigned char>(byte);
  }
  return value;
}

/// The value that a type letter and its payload stand for; none for bytes that are none.
std::optional<StoredView> decode(char type, std::string_view payload) {
  switch (type) {
    case 'n':
      return payload.empty() ? std::optional<StoredView>{std::monostate{}} : std::nullopt;
    case 'i':
      if (payload.size() != sizeof(std::int64_t)) {
        return std::nullopt;
      }
      return std::bit_cast<std::int64_t>(read_big_endian(payload));
    case 'r':
      if (payload.size() != sizeof(double)) {
        return std::nullopt;
      }
      return std::bit_cast<double>(read_big_endian(payload));
    case 't':
      return payload;
    case 'b':
      return BlobView{payload};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::vector<StoredView>> split_canonical(std::string_view bytes) {
  std::vector<StoredView> values;
  while (!bytes.empty()) {
    if (bytes.size() < kHeader) {
      return std::nullopt;
    }
    const std::uint64_t length = read_big_endian(bytes.substr(1, sizeof(std::uint64_t)));
    if (length > bytes.size() - kHeader) {
      return std::nullopt;
    }
    const auto value = decode(bytes.front(), bytes.substr(kHeader, length));
    if (!value) {
      return std::nullopt;
    }
    values.push_back(*value);
    bytes.remove_prefix(kHeader + length);
  }
  return values;
}

RowKey RowKey::integer(std::int64_t value) {
  RowKey key;
  key.integer_ = value;
  return key;
}

RowKey RowKey::composite(std::span<const StoredView> values) {
  std::string bytes;
  for (const StoredView& value : values) {
    append_canonical(bytes, value);
  }
  RowKey key;
  key.bytes_ = box(std::move(bytes));
  return key;
}

std::optional<RowKey> RowKey::from_bytes(std::string_view bytes) {
  const auto values = split_canonical(bytes);
  if (!values || values->empty()) {
    return std::nullopt;
  }
  if (values->size() == 1 && std::holds_alternative<std::int64_t>(values->front())) {
    return integer(std::get<std::int64_t>(values->front()));
  }
  RowKey key;
  key.bytes_ = box(std::string(bytes));
  return key;
}

std::string RowKey::bytes() const {
  if (!is_integer()) {
    return *bytes_;
  }
  std::string out;
  append_canonical(out, StoredView{integer_});
  return out;
}

std::string RowKey::display() const {
  if (is_integer()) {
    return std::to_string(integer_);
  }
  const auto values = split_canonical(inner_bytes());
  std::string out;
  for (const StoredView& value : values.value_or(std::vector<StoredView>{})) {
    if (!out.empty()) {
      out += ',';
    }
    out += to_display(value);
  }
  return out;
}

}  // namespace holdfast
