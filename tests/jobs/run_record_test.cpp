// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_record.h"

#include <limits>

#include <catch2/catch.hpp>

#include "jobs/digest.h"
#include "jobs/slice_digest.h"

using namespace holdfast;
using nlohmann::json;

TEST_CASE("a record is sealed behind the one before it", "[record]") {
  const SealedRecord first = seal_record({{"run_id", 1}, {"deleted", 3}}, "");
  CHECK(first.record.at("previous_run_hash") == std::string(64, '0'));
  CHECK(first.record.at("run_hash") == first.hash);
  CHECK(first.text == R"({"deleted":3,"format":"holdfast-run-record/1","previous_run_hash":")" +
                          std::string(64, '0') + R"(","run_hash":")" + first.hash +
                          R"(","run_id":1})");
  // sha256sum over the text without run_hash.
  CHECK(first.hash == sha256_hex(R"({"deleted":3,"format":"holdfast-run-record/1",)"
                                 R"("previous_run_hash":")" +
                                 std::string(64, '0') + R"(","run_id":1})"));
  const SealedRecord second = seal_record({{"run_id", 2}}, first.hash);
  CHECK(second.record.at("previous_run_hash") == first.hash);
  CHECK(second.hash != first.hash);
}

TEST_CASE("a sealed record gives its hash, and any change another", "[record]") {
  const SealedRecord sealed = seal_record({{"rows", 3}, {"code", "A"}}, "");
  CHECK(hash_of_record(json::parse(sealed.text)) == sealed.hash);
  json changed = sealed.record;
  changed["rows"] = 4;
  CHECK(hash_of_record(changed) != sealed.hash);
}

TEST_CASE("integers that not every reader has exactly become text", "[record]") {
  const std::int64_t exact = std::int64_t{1} << 53;
  CHECK(exact_integer(exact) == exact);
  CHECK(exact_integer(-exact) == -exact);
  CHECK(exact_integer(exact + 1) == "9007199254740993");
  CHECK(exact_integer(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  const SealedRecord sealed = seal_record({{"deep", {{"key", {1, exact + 1}}}}}, "");
  CHECK(sealed.record["deep"]["key"] == json({1, "9007199254740993"}));
}

TEST_CASE("a real number has no place in a record", "[record]") {
  CHECK_THROWS_AS(seal_record({{"share", 0.2}}, ""), std::logic_error);
  CHECK_THROWS_AS(seal_record({{"list", {1, {{"x", 1.5}}}}}, ""), std::logic_error);
}

TEST_CASE("the digest of a slice is that of its rows in their order", "[record]") {
  // From an independent calculation: Python's hmac over struct.pack(">Q", n) + row.
  const std::string salt(32, '\x01');
  SliceDigest none(salt);
  CHECK(none.hex() == "2e72eb6626e1d4f7fc6dff111585898f2e37c471a68862f07f10aa2824d57c75");
  SliceDigest two(salt);
  two.add("first");
  two.add("");
  CHECK(two.hex() == "c96967a6b94561213b0acada840dce7c6f29099b0981d4e247c9732a5885e45c");
  SliceDigest turned(salt);
  turned.add("");
  turned.add("first");
  CHECK(turned.hex() != "c96967a6b94561213b0acada840dce7c6f29099b0981d4e247c9732a5885e45c");
}

TEST_CASE("the digest of a run is over the digests of its slices", "[record]") {
  RowsDigest nothing;
  CHECK(nothing.hex() == sha256_hex(""));
  RowsDigest one;
  one.add(std::string(64, '0'));
  CHECK(one.hex() == sha256_hex(std::string(32, '\0')));
  RowsDigest wrong;
  CHECK_THROWS_AS(wrong.add("not hex"), std::invalid_argument);
}

TEST_CASE("hex and bytes are one another's", "[record]") {
  CHECK(bytes_of_hex("00ff10") == std::string("\x00\xff\x10", 3));
  CHECK(hex_of_bytes(std::string("\x00\xff\x10", 3)) == "00ff10");
  CHECK_FALSE(bytes_of_hex("0"));
  CHECK_FALSE(bytes_of_hex("0G"));
  CHECK_FALSE(bytes_of_hex("AB"));
}
