// SPDX-License-Identifier: Apache-2.0
#include "policy/stored_value.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>

namespace holdfast {
namespace {

using BigEndian = std::array<char, sizeof(std::uint64_t)>;

/// The highest byte first, on every machine.
BigEndian big_endian(std::uint64_t number) {
  const bool turn = std::endian::native == std::endian::little;
  return std::bit_cast<BigEndian>(turn ? __builtin_bswap64(number) : number);
}

void append_number(std::string& out, char letter, std::uint64_t bits) {
  const BigEndian size = big_endian(sizeof bits);
  const BigEndian number = big_endian(bits);
  out += letter;
  out.append(size.data(), size.size());
  out.append(number.data(), number.size());
}

void append_bytes(std::string& out, char letter, std::string_view bytes) {
  const BigEndian size = big_endian(bytes.size());
  out += letter;
  out.append(size.data(), size.size());
  out += bytes;
}

struct CanonicalWriter {
  std::string& out;  // NOLINT(misc-non-private-member-variables-in-classes): lives for one visit

  void operator()(std::monostate /*nothing*/) const { append_bytes(out, 'n', {}); }
  void operator()(std::int64_t number) const {
    append_number(out, 'i', static_cast<std::uint64_t>(number));
  }
  void operator()(double number) const {
    append_number(out, 'r', std::bit_cast<std::uint64_t>(number));
  }
  void operator()(std::string_view text) const { append_bytes(out, 't', text); }
  void operator()(const BlobView& blob) const { append_bytes(out, 'b', blob.bytes); }
};

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string to_hex(std::string_view bytes) {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    const auto number = static_cast<unsigned char>(byte);
    hex += kHexDigits[number >> 4U];
    hex += kHexDigits[number & 0x0FU];
  }
  return hex;
}

struct DisplayWriter {
  std::string operator()(std::monostate /*nothing*/) const { return {}; }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const {
    std::array<char, 32> digits{};  // 17 digits, sign, point and "e-308" take at most 24
    const auto end = std::to_chars(
        digits.data(), digits.data() + digits.size(), number, std::chars_format::general, 17);
    return {digits.data(), end.ptr};
  }
  std::string operator()(std::string_view text) const { return std::string{text}; }
  std::string operator()(const BlobView& blob) const { return to_hex(blob.bytes); }
};

}  // namespace

void append_canonical(std::string& out, const StoredView& value) {
  std::visit(CanonicalWriter{out}, value);
}

std::string to_display(const StoredView& value) {
  return std::visit(DisplayWriter{}, value);
}

}  // namespace holdfast
