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
  CHECK(first.previous_hash == std::string(64, '0'));
  CHECK(json::parse(first.text).at("run_hash") == first.hash);
  CHECK(first.text == R"({"deleted":3,"format":"holdfast-run-record/1","previous_run_hash":")" +
                          std::string(64, '0') + R"(","run_hash":")" + first.hash +
                          R"(","run_id":1})");
  // sha256sum over the text without run_hash.
  CHECK(first.hash == sha256_hex(R"({"deleted":3,"format":"holdfast-run-record/1",)"
                                 R"("previous_run_hash":")" +
                                 std::string(64, '0') + R"(","run_id":1})"));
  const SealedRecord second = seal_record({{"run_id", 2}}, first.hash);
  CHECK(second.previous_hash == first.hash);
  CHECK(json::parse(second.text).at("previous_run_hash") == first.hash);
  CHECK(second.hash != first.hash);
}

TEST_CASE("a sealed record gives its hash, and any change another", "[record]") {
  const SealedRecord sealed = seal_record({{"rows", 3}, {"code", "A"}}, "");
  CHECK(hash_of_record(json::parse(sealed.text)) == sealed.hash);
  json changed = json::parse(sealed.text);
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
  CHECK(json::parse(sealed.text)["deep"]["key"] == json({1, "9007199254740993"}));
}

TEST_CASE("a real number has no place in a record", "[record]") {
  CHECK_THROWS_AS(seal_record({{"share", 0.2}}, ""), std::logic_error);
  CHECK_THROWS_AS(seal_record({{"list", {1, {{"x", 1.5}}}}}, ""), std::logic_error);
}

TEST_CASE("lists of a record that come as text stand in it as values would", "[record]") {
  const std::int64_t large = (std::int64_t{1} << 53) + 1;
  const json entries = {{{"hold", 1}, {"b", "x"}, {"a", nullptr}}, {{"hold", large}}};
  RecordList list;
  for (const json& entry : entries) {
    list.add(entry);
  }
  const std::string text = std::move(list).finish();
  const std::string none = RecordList{}.finish();
  const json rest = {{"alpha", 1}, {"zulu", "\"last\""}};
  // Before and behind the hash, and where a list stands first or last.
  for (const char* name : {"aaa", "holds", "runs", "zz"}) {
    const RecordLists lists{{name, text}, {std::string(name) + "_none", none}};
    json expected = rest;
    expected[name] = entries;
    expected[std::string(name) + "_none"] = json::array();
    const SealedRecord sealed = seal_record(rest, "", lists);
    const SealedRecord plain = seal_record(expected, "");
    CHECK(sealed.text == plain.text);
    CHECK(sealed.hash == plain.hash);
    CHECK(hash_of_record(json::parse(sealed.text)) == sealed.hash);
  }
}

TEST_CASE("a list of a record takes no real number either", "[record]") {
  RecordList list;
  CHECK_THROWS_AS(list.add({{"share", 0.2}}), std::logic_error);
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
