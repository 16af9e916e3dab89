// SPDX-License-Identifier: Apache-2.0
// Row keys as saved plans and slices keep them. Damaged bytes are refused; what is accepted has the
// same keys again once it is written anew, in whichever way it is asked for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/row_key.h"
#include "storage/key_set.h"
#include "storage/sqlite/key_sets.h"
#include "storage/storage_error.h"
#include "tests/fuzz/fuzz_input.h"

using namespace holdfast;
using namespace holdfast::fuzzing;

namespace {

constexpr std::size_t kLooked = 64;       // keys of which each is looked up
constexpr std::size_t kMost = 1U << 17U;  // a bitmap of a few bytes may stand for billions of keys

void check_canonical(std::string_view bytes) {
  const auto values = split_canonical(bytes);
  const auto key = RowKey::from_bytes(bytes);
  require(key.has_value() == (values && !values->empty()), "a key is one value or more");
  if (!values) {
    return;
  }
  std::string again;
  for (const StoredView& value : *values) {
    append_canonical(again, value);
  }
  require(again == bytes, "canonical bytes that can be split are put together to the same");
  if (key) {
    require(key->bytes() == bytes, "a key has the bytes that it was read from");
    require(RowKey::from_bytes(key->bytes()) == key, "a key reads back from its own bytes");
    (void)key->display();
  }
}

std::optional<std::int64_t> counted(std::string_view bytes) {
  try {
    return IntegerKeySet{bytes}.size();
  } catch (const StorageError&) {
    return std::nullopt;
  }
}

void check_set(std::string_view bytes, const std::vector<RowKey>& keys) {
  IntegerKeySet set{bytes};
  std::vector<RowKey> read;
  for (auto some = set.next(7); !some.empty(); some = set.next(7)) {
    read.insert(read.end(), some.begin(), some.end());
  }
  require(read == keys, "a set gives its keys out in pieces as it does at once");
  require(static_cast<std::size_t>(set.size()) == keys.size(), "a set counts its keys");
  require(std::is_sorted(keys.begin(), keys.end()), "integer keys are in order");
  require(std::adjacent_find(keys.begin(), keys.end()) == keys.end(), "each key is there once");
}

void check_keys(std::string_view bytes) {
  const auto count = counted(bytes);
  if (count && *count > static_cast<std::int64_t>(kMost)) {
    return;
  }
  std::vector<RowKey> keys;
  try {
    keys = decode_keys(bytes);
  } catch (const StorageError& refused) {
    require(refused.trouble() == StorageTrouble::corrupt, "bytes that are no list are corrupt");
    return;
  }
  if (count) {
    check_set(bytes, keys);
  }
  const std::string again = encode_keys(keys);
  require(decode_keys(again) == keys, "keys that were accepted are written and read the same");
  for (std::size_t i = 0; i < std::min(keys.size(), kLooked); ++i) {
    const RowKey& key = keys[keys.size() - 1 - i];
    require(encoded_contains(bytes, key) && encoded_contains(again, key), "each key is found");
  }
}

/// Keys that are drawn from the input, so that the way there is met and not only the way back.
void check_drawn(FuzzInput& input) {
  std::vector<RowKey> keys;
  std::int64_t last = 0;
  while (!input.at_end() && keys.size() < kMost) {
    const std::size_t kind = input.below(4);
    if (kind == 0) {
      last = input.integer();
    } else if (kind < 3) {
      last = static_cast<std::int64_t>(static_cast<std::uint64_t>(last) + 1 + input.byte());
    }
    if (kind < 3) {
      keys.push_back(RowKey::integer(last));
      continue;
    }
    const std::vector<StoredView> values{StoredView{input.text()}, StoredView{input.integer()}};
    keys.push_back(RowKey::composite(values));
  }
  const bool each_once = std::adjacent_find(keys.begin(), keys.end()) == keys.end();
  require(!each_once || decode_keys(encode_keys(keys)) == keys, "keys come back in their order");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  if (input.below(4) == 0) {
    check_drawn(input);
    return 0;
  }
  const std::string_view bytes = input.rest();
  check_canonical(bytes);
  check_keys(bytes);
  return 0;
}
