// SPDX-License-Identifier: Apache-2.0
#include "jobs/slice_digest.h"

#include <array>
#include <stdexcept>

namespace holdfast {

void SliceDigest::add(std::string_view content) {
  constexpr unsigned kBitsPerByte = 8;
  std::array<char, sizeof(std::uint64_t)> length{};
  std::uint64_t rest = content.size();
  for (auto byte = length.rbegin(); byte != length.rend(); ++byte) {
    *byte = static_cast<char>(static_cast<unsigned char>(rest & 0xFFU));
    rest >>= kBitsPerByte;
  }
  mac_.update({length.data(), length.size()});
  mac_.update(content);
}

void RowsDigest::add(const std::string& slice_digest) {
  const auto bytes = bytes_of_hex(slice_digest);
  if (!bytes) {
    throw std::invalid_argument("the digest of a slice is not hex: " + slice_digest);
  }
  all_.update(*bytes);
}

}  // namespace holdfast
