// SPDX-License-Identifier: Apache-2.0
#include "jobs/slice_digest.h"

#include <endian.h>

#include <array>
#include <bit>
#include <cstdint>
#include <stdexcept>

#include "jobs/json_text.h"

namespace holdfast {

void SliceDigest::add(std::string_view content) {
  const auto length =
      std::bit_cast<std::array<char, sizeof(std::uint64_t)>>(htobe64(content.size()));
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

std::string slices_digest(RunLedger& ledger, std::int64_t run) {
  using nlohmann::json;
  Sha256 digest;
  for (const RunSlice& slice : ledger.slices(run)) {
    const json end = slice.archive_end ? json(*slice.archive_end) : json(nullptr);
    digest.update(compact({{"number", slice.number},
                           {"deleted", slice.deleted},
                           {"tally", slice.tally},
                           {"hold_version", slice.hold_version},
                           {"hold_digest", slice.hold_digest},
                           {"digest", slice.digest},
                           {"archive_end", end},
                           {"keys_sha256", sha256_hex(ledger.stored_keys(run, slice.number))}}));
    digest.update("\n");
  }
  return digest.hex();
}

}  // namespace holdfast
