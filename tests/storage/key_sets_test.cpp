// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/key_sets.h"

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "storage/registers/packed_keys.h"
#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

RowKey text_key(std::string_view text) {
  const std::vector<StoredView> values = {text};
  return RowKey::composite(values);
}

std::vector<RowKey> integers(const std::vector<std::int64_t>& values) {
  std::vector<RowKey> keys(values.size());
  std::transform(values.begin(), values.end(), keys.begin(), RowKey::integer);
  return keys;
}

void add_all(KeySet& set, const std::vector<RowKey>& keys) {
  for (const RowKey& key : keys) {
    set.add(key);
  }
}

std::string bytes_of(KeySet& set) {
  std::string bytes;
  set.for_each_bytes([&](std::string_view piece) { bytes += piece; });
  return bytes;
}

SQLite::Database memory_database() {
  return {":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
}

}  // namespace

TEST_CASE("integer keys come out ascending, over the whole range", "[key-set]") {
  IntegerKeySet set;
  add_all(set, integers({kHighest, 5, -1, kLowest, 0, 5, std::int64_t{1} << 40}));
  CHECK(set.size() == 6);
  CHECK(set.next(2) == integers({kLowest, -1}));
  CHECK(set.next(100) == integers({0, 5, std::int64_t{1} << 40, kHighest}));
  CHECK(set.next(100).empty());
  set.rewind();
  CHECK(set.next(1) == integers({kLowest}));
  CHECK(set.next(5).size() == 5);
  CHECK(set.next(5).empty());
  CHECK(set.contains(RowKey::integer(5)));
  CHECK_FALSE(set.contains(RowKey::integer(6)));
  CHECK_FALSE(set.contains(text_key("5")));
}

TEST_CASE("an empty set has nothing to give", "[key-set]") {
  IntegerKeySet set;
  CHECK(set.size() == 0);
  CHECK(set.next(10).empty());
  CHECK(bytes_of(set).empty());
  CHECK(decode_keys(set.encode()).empty());
}

TEST_CASE("every batch size gives every key once", "[key-set]") {
  IntegerKeySet set;
  for (std::int64_t key = -150'000; key < 150'000; key += 3) {
    set.add(RowKey::integer(key));
  }
  const std::size_t most = GENERATE(1U, 7U, 65'536U);
  std::int64_t expected = -150'000;
  std::int64_t wrong = 0;
  for (auto batch = set.next(most); !batch.empty(); batch = set.next(most)) {
    for (const RowKey& key : batch) {
      wrong += key.as_integer() == expected ? 0 : 1;
      expected += 3;
    }
  }
  CHECK(wrong == 0);
  CHECK(expected == 150'000);
}

TEST_CASE("a text among integer keys is refused, not lost", "[key-set]") {
  IntegerKeySet set;
  CHECK_THROWS_AS(set.add(text_key("a")), StorageError);
}

TEST_CASE("other keys come out by their bytes, once each", "[key-set]") {
  SQLite::Database db = memory_database();
  SpilledKeySet set(db);
  add_all(set, {text_key("z"), text_key("a"), text_key("z"), RowKey::integer(3)});
  CHECK(set.size() == 3);
  CHECK(set.next(2) == std::vector{RowKey::integer(3), text_key("a")});
  CHECK(set.next(2) == std::vector{text_key("z")});
  CHECK(set.next(2).empty());
  set.rewind();
  CHECK(set.next(1) == std::vector{RowKey::integer(3)});
  CHECK(set.contains(text_key("a")));
  CHECK_FALSE(set.contains(text_key("b")));
}

TEST_CASE("a set that is nobody else's is the same in memory and on disk", "[key-set]") {
  const std::size_t in_memory =
      GENERATE(std::size_t{0}, std::size_t{3000}, std::size_t{9000}, kKeysInMemory);
  CAPTURE(in_memory);
  const auto set = new_spilled_key_set(in_memory);
  std::set<std::string> expected;
  std::mt19937_64 chance{20261129};
  const auto any_key = [&chance] {
    const std::array<StoredView, 2> values = {static_cast<std::int64_t>(chance() % 500),
                                              std::string_view{chance() % 2 == 0 ? "a" : "bcd"}};
    return chance() % 5 == 0 ? RowKey::integer(static_cast<std::int64_t>(chance() % 500) - 250)
                             : RowKey::composite(values);
  };
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 120; ++i) {
      const RowKey key = any_key();
      set->add(key);
      expected.insert(key.bytes());
    }
    int wrong = 0;
    for (int i = 0; i < 300; ++i) {
      const RowKey key = any_key();
      wrong += set->contains(key) == expected.contains(key.bytes()) ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(set->size() == static_cast<std::int64_t>(expected.size()));
    std::string bytes;
    for (const std::string& key : expected) {
      bytes += key;
      wrong += set->contains(*RowKey::from_bytes(key)) ? 0 : 1;  // in their order
    }
    CHECK(wrong == 0);
    CHECK(bytes_of(*set) == bytes);
    set->rewind();
    std::string given;
    for (auto keys = set->next(7); !keys.empty(); keys = set->next(7)) {
      for (const RowKey& key : keys) {
        given += key.bytes();
      }
    }
    CHECK(given == bytes);
  }
}

TEST_CASE("packed keys are found and come out as they went in", "[key-set]") {
  std::mt19937_64 chance{20261130};
  // From keys without a byte to long ones, from almost the same to nothing in common.
  const std::size_t longest =
      GENERATE(std::size_t{2}, std::size_t{9}, std::size_t{40}, std::size_t{700});
  const char letters = GENERATE('b', 'z');
  CAPTURE(longest, letters);
  std::set<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    std::string key(chance() % (longest + 1), 'a');
    for (char& letter : key) {
      letter = static_cast<char>('a' + static_cast<int>(chance() % (letters - 'a' + 1U)));
    }
    expected.insert(key);
  }
  PackedKeys all;
  std::vector<PackedKeys> parts(3);
  for (const std::string& key : expected) {
    all.append(key);
    const std::size_t part = chance() % parts.size();
    parts[part].append(key);
    if (chance() % 4 == 0) {
      parts[(part + 1) % parts.size()].append(key);
    }
  }
  for (const PackedKeys& keys : {all, merge_keys(parts)}) {
    REQUIRE(keys.size() == expected.size());
    std::vector<std::string> given;
    for (PackedKeys::Reader reader{keys}; reader.next();) {
      given.emplace_back(reader.key());
    }
    CHECK(given == std::vector<std::string>(expected.begin(), expected.end()));
    PackedKeys::Reader reader{keys};
    int wrong = 0;
    for (int i = 0; i < 800; ++i) {
      std::string wanted = given[chance() % given.size()];
      if (chance() % 2 == 0) {
        wanted += 'a';
      }
      wrong += reader.find(wanted) == expected.contains(wanted) ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("packed keys that follow each other take few bytes", "[key-set]") {
  constexpr std::int64_t kKeys = 10'000;
  PackedKeys keys;
  for (std::int64_t i = 0; i < kKeys; ++i) {
    const std::array<StoredView, 2> values = {i, 1'700'000'000'000 + i * 30'000};
    keys.append(RowKey::composite(values).bytes());
  }
  keys.shrink();
  CHECK(keys.bytes() < 13 * kKeys);
}

TEST_CASE("two spilled sets do not meet, and leave nothing behind", "[key-set]") {
  SQLite::Database db = memory_database();
  {
    SpilledKeySet first(db);
    SpilledKeySet second(db);
    first.add(text_key("a"));
    CHECK(second.size() == 0);
    CHECK_FALSE(second.contains(text_key("a")));
  }
  CHECK(db.execAndGet("SELECT count(*) FROM sqlite_temp_schema").getInt() == 0);
}

TEST_CASE("the bytes of a set depend on its keys alone", "[key-set]") {
  SQLite::Database db = memory_database();
  const auto keys = integers({5, -7, kHighest, kLowest, 0, 70'000});
  std::vector<RowKey> reversed(keys.rbegin(), keys.rend());
  IntegerKeySet one;
  IntegerKeySet other;
  SpilledKeySet spilled(db);
  add_all(one, keys);
  add_all(other, reversed);
  add_all(spilled, keys);
  CHECK(bytes_of(one).size() == 6 * RowKey::integer(0).bytes().size());
  CHECK(bytes_of(one) == bytes_of(other));
  CHECK(bytes_of(one) == bytes_of(spilled));
  one.add(RowKey::integer(6));
  CHECK(bytes_of(one) != bytes_of(other));
}

TEST_CASE("a list of keys survives being encoded", "[key-set]") {
  const auto ascending = integers({kLowest, -1, 0, 1, 2, 3, std::int64_t{1} << 33, kHighest});
  CHECK(encode_keys(ascending).front() == 'R');
  CHECK(decode_keys(encode_keys(ascending)) == ascending);
  const std::vector<RowKey> mixed = {text_key("z"), text_key(""), RowKey::integer(4)};
  CHECK(encode_keys(mixed).front() == 'L');
  CHECK(decode_keys(encode_keys(mixed)) == mixed);
  CHECK(decode_keys(encode_keys({})).empty());
}

TEST_CASE("a list with a key twice has it twice when it is read again", "[key-set]") {
  const auto twice = integers({4, 4, 7});
  CHECK(decode_keys(encode_keys(twice)) == twice);
}

TEST_CASE("an encoded list knows its keys without being taken apart", "[key-set]") {
  const std::string bitmap = encode_keys(integers({1, 5}));
  CHECK(encoded_contains(bitmap, RowKey::integer(5)));
  CHECK_FALSE(encoded_contains(bitmap, RowKey::integer(4)));
  CHECK_FALSE(encoded_contains(bitmap, text_key("5")));
  const std::string list = encode_keys({text_key("a"), RowKey::integer(4)});
  CHECK(encoded_contains(list, text_key("a")));
  CHECK(encoded_contains(list, RowKey::integer(4)));
  CHECK_FALSE(encoded_contains(list, text_key("b")));
  const std::string cut = list.substr(0, list.size() - 1);
  CHECK_THROWS_AS(encoded_contains(cut, text_key("b")), StorageError);
}

TEST_CASE("consecutive keys cost next to nothing", "[key-set]") {
  IntegerKeySet set;
  for (std::int64_t key = 0; key < 1'000'000; ++key) {
    set.add(RowKey::integer(key));
  }
  CHECK(set.encode().size() < 1024);
}

TEST_CASE("bytes that are no key list are refused", "[key-set]") {
  const std::string bitmap = encode_keys(integers({1, 5, 70'000}));
  const std::string list = encode_keys({text_key("a")});
  const std::string bytes = GENERATE_COPY(std::string(),
                                          std::string("X"),
                                          std::string("R"),
                                          bitmap + "x",
                                          bitmap.substr(0, bitmap.size() - 1),
                                          "R" + std::string(8, '\xFF'),
                                          list + "x",
                                          list.substr(0, list.size() - 1),
                                          "L" + std::string(7, '\0') + "\x01?");
  CHECK(error_of([&] { (void)decode_keys(bytes); }).trouble() == StorageTrouble::corrupt);
}

TEST_CASE("a bitmap with parts that the library would step over is refused", "[key-set]") {
  // Both were found by the fuzzer: what the library writes of the first part is longer than it was,
  // so that it would look for the next one behind the end.
  using Bytes = std::vector<unsigned char>;
  const Bytes bytes = GENERATE(
      Bytes{82, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 59, 48, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0},
      Bytes{82, 1, 8, 0, 0, 0, 0, 0, 0, 0, 32, 2, 128, 59, 48, 0, 0, 0, 1, 82, 1, 0, 0, 0, 0, 0});
  const std::string bitmap{bytes.begin(), bytes.end()};
  CHECK(error_of([&] { (void)decode_keys(bitmap); }).trouble() == StorageTrouble::corrupt);
  CHECK(error_of([&] { (void)IntegerKeySet{bitmap}; }).trouble() == StorageTrouble::corrupt);
}

TEST_CASE("a bitmap whose keys are out of order is refused", "[key-set]") {
  // Three keys are two bytes each at the end, the lowest first.
  std::string bitmap = encode_keys(integers({1, 7, 300}));
  REQUIRE(decode_keys(bitmap) == integers({1, 7, 300}));
  std::swap(bitmap[bitmap.size() - 6], bitmap[bitmap.size() - 4]);
  CHECK(error_of([&] { (void)decode_keys(bitmap); }).trouble() == StorageTrouble::corrupt);
  CHECK(error_of([&] { (void)IntegerKeySet{bitmap}; }).trouble() == StorageTrouble::corrupt);
  CHECK(error_of([&] { (void)encoded_contains(bitmap, RowKey::integer(7)); }).trouble() ==
        StorageTrouble::corrupt);
  // The same key twice.
  bitmap[bitmap.size() - 6] = bitmap[bitmap.size() - 4];
  CHECK(error_of([&] { (void)decode_keys(bitmap); }).trouble() == StorageTrouble::corrupt);
}

TEST_CASE("a bitmap with a part that has no key is refused", "[key-set]") {
  // How many parts there are; then for each the upper half of its places, a cookie and a count.
  const std::string head("R\1\0\0\0\0\0\0\0", 9);
  const std::string empty_part("\0\0\0\x80\x3A\x30\0\0\0\0\0\0", 12);
  CHECK(error_of([&] { (void)decode_keys(head + empty_part); }).trouble() ==
        StorageTrouble::corrupt);
  CHECK(error_of([&] { (void)IntegerKeySet{head + empty_part}; }).trouble() ==
        StorageTrouble::corrupt);
  // Behind one that has keys it would be met at the end of the reading.
  std::string bitmap = encode_keys(integers({-7})) + empty_part;
  bitmap[1] = 2;
  CHECK(error_of([&] { (void)decode_keys(bitmap); }).trouble() == StorageTrouble::corrupt);
  CHECK(error_of([&] { (void)encoded_contains(bitmap, RowKey::integer(-7)); }).trouble() ==
        StorageTrouble::corrupt);
}
