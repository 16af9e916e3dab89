// SPDX-License-Identifier: Apache-2.0
#include "policy/row_key.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using namespace std::string_view_literals;

namespace {

RowKey key_of(const std::vector<StoredView>& values) {
  return RowKey::composite(values);
}

std::string canonical(const std::vector<StoredView>& values) {
  std::string bytes;
  for (const StoredView& value : values) {
    append_canonical(bytes, value);
  }
  return bytes;
}

}  // namespace

TEST_CASE("an integer key comes back from its bytes", "[row_key]") {
  for (const std::int64_t number : {INT64_MIN,
                                    std::int64_t{-1},
                                    std::int64_t{0},
                                    std::int64_t{1},
                                    std::int64_t{4711},
                                    INT64_MAX}) {
    CAPTURE(number);
    const RowKey key = RowKey::integer(number);
    CHECK(key.is_integer());
    CHECK(key.as_integer() == number);
    CHECK(key.display() == std::to_string(number));
    CHECK(key.bytes().size() == 17);
    CHECK(RowKey::from_bytes(key.bytes()) == key);
  }
}

TEST_CASE("any other key comes back from its bytes, and reads as people type it", "[row_key]") {
  struct Line {
    std::vector<StoredView> values;
    const char* display;
  };
  for (const Line& line : std::vector<Line>{
           {{"6f1c"sv}, "6f1c"},
           {{""sv}, ""},
           {{BlobView{"\x01\xFF"}}, "01ff"},
           {{"eu"sv, std::int64_t{12}}, "eu,12"},
           {{std::int64_t{1}, std::int64_t{2}, std::int64_t{3}}, "1,2,3"},
           {{0.5, std::monostate{}}, "0.5,"},
       }) {
    CAPTURE(line.display);
    const RowKey key = key_of(line.values);
    CHECK_FALSE(key.is_integer());
    CHECK(key.as_integer() == 0);
    CHECK(key.display() == line.display);
    CHECK(RowKey::from_bytes(key.bytes()) == key);
    CHECK((split_canonical(key.bytes()) == line.values));
  }
}

TEST_CASE("one integer column is the same key whichever way it is made", "[row_key]") {
  CHECK(RowKey::from_bytes(key_of({std::int64_t{12}}).bytes()) == RowKey::integer(12));
}

TEST_CASE("values that look alike are different keys", "[row_key]") {
  const std::set<RowKey> keys{RowKey::integer(5),
                              key_of({5.0}),
                              key_of({"5"sv}),
                              key_of({BlobView{"5"}}),
                              key_of({"5"sv, ""sv}),
                              key_of({""sv, "5"sv}),
                              key_of({"a"sv, "b,c"sv}),
                              key_of({"a,b"sv, "c"sv})};
  CHECK(keys.size() == 8);
}

TEST_CASE("bytes that are no whole key are none", "[row_key]") {
  const std::string whole = canonical({"eu"sv, std::int64_t{12}});
  std::string huge = canonical({"eu"sv});
  huge.replace(1, 8, 8, '\xFF');
  const std::string short_integer = std::string("i\0\0\0\0\0\0\0\1x"sv);
  const std::string short_real = std::string("r\0\0\0\0\0\0\0\1x"sv);
  const std::string full_null = std::string("n\0\0\0\0\0\0\0\1x"sv);
  const std::string no_type = std::string("x\0\0\0\0\0\0\0\0"sv);
  CHECK_FALSE(RowKey::from_bytes("").has_value());
  for (const std::string& bytes : {huge, short_integer, short_real, full_null, no_type}) {
    CHECK_FALSE(RowKey::from_bytes(bytes).has_value());
  }
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const bool first_value_alone = length == 11;
    CAPTURE(length);
    CHECK(RowKey::from_bytes(whole.substr(0, length)).has_value() == first_value_alone);
  }
  CHECK_FALSE(RowKey::from_bytes(whole + "t").has_value());
}

TEST_CASE("random keys come back from their bytes", "[row_key]") {
  Chance chance;
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::string> texts(static_cast<std::size_t>(chance.between(1, 4)));
    std::vector<StoredView> values;
    for (std::string& text : texts) {
      for (std::int64_t length = chance.between(0, 12); length > 0; --length) {
        text += static_cast<char>(static_cast<unsigned char>(chance.between(0, 255)));
      }
      switch (chance.between(0, 4)) {
        case 0:
          values.emplace_back(std::monostate{});
          break;
        case 1:
          values.emplace_back(chance.between(INT64_MIN, INT64_MAX));
          break;
        case 2:
          values.emplace_back(static_cast<double>(chance.between(-9, 9)) / 4);
          break;
        case 3:
          values.emplace_back(BlobView{text});
          break;
        default:
          values.emplace_back(std::string_view{text});
      }
    }
    if (split_canonical(key_of(values).bytes()) != values) {
      FAIL("key " << i << " comes back as another");
    }
  }
  SUCCEED("all came back");
}
