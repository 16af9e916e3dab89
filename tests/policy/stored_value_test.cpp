// SPDX-License-Identifier: Apache-2.0
#include "policy/stored_value.h"

#include <limits>

#include <catch2/catch.hpp>

using namespace holdfast;
using namespace std::literals;

namespace {

std::string canonical(const StoredView& value) {
  std::string bytes;
  append_canonical(bytes, value);
  return bytes;
}

}  // namespace

TEST_CASE("canonical bytes are type, length and content, high byte first", "[stored_value]") {
  CHECK(canonical(std::monostate{}) == "n\0\0\0\0\0\0\0\0"s);
  CHECK(canonical(std::int64_t{0x0102030405060708}) ==
        "i\0\0\0\0\0\0\0\x08\x01\x02\x03\x04\x05\x06\x07\x08"s);
  CHECK(canonical(std::int64_t{-1}) == "i\0\0\0\0\0\0\0\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s);
  CHECK(canonical(1.5) == "r\0\0\0\0\0\0\0\x08\x3F\xF8\0\0\0\0\0\0"s);
  CHECK(canonical("a\0b"sv) == "t\0\0\0\0\0\0\0\x03\x61\0\x62"s);
  CHECK(canonical(""sv) == "t\0\0\0\0\0\0\0\0"s);
  CHECK(canonical(BlobView{"a\0b"sv}) == "b\0\0\0\0\0\0\0\x03\x61\0\x62"s);
  CHECK(canonical(std::string_view{std::string(258, 'x')}).substr(0, 9) ==
        "t\0\0\0\0\0\0\x01\x02"s);
}

TEST_CASE("values of different types never share their canonical bytes", "[stored_value]") {
  CHECK(canonical(std::int64_t{1}) != canonical(1.0));
  CHECK(canonical("1"sv) != canonical(BlobView{"1"sv}));
  CHECK(canonical(""sv) != canonical(std::monostate{}));
  CHECK(canonical(0.0) != canonical(-0.0));
  CHECK(canonical("ab"sv) + canonical("c"sv) != canonical("a"sv) + canonical("bc"sv));
}

TEST_CASE("canonical bytes are added behind what is there", "[stored_value]") {
  std::string bytes = "before";
  append_canonical(bytes, std::monostate{});
  CHECK(bytes == "beforen\0\0\0\0\0\0\0\0"s);
}

TEST_CASE("a value is displayed as a person would type it", "[stored_value]") {
  CHECK(to_display(std::monostate{}).empty());
  CHECK(to_display(std::int64_t{42}) == "42");
  CHECK(to_display(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(to_display("as it is"sv) == "as it is");
  CHECK(to_display(BlobView{"\x00\x7F\xA0\xFF"sv}) == "007fa0ff");
  CHECK(to_display(0.5) == "0.5");
  CHECK(to_display(0.1) == "0.10000000000000001");
  CHECK(to_display(1700000000.123) == "1700000000.1229999");
  CHECK(to_display(-std::numeric_limits<double>::max()) == "-1.7976931348623157e+308");
  CHECK(to_display(std::numeric_limits<double>::denorm_min()) == "4.9406564584124654e-324");
}
