// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_format.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/archive_frames.h"
#include "jobs/archive_manifest.h"
#include "jobs/archive_writer.h"
#include "jobs/cli/archive_files.h"
#include "tests/jobs/temp_folder.h"
#include "tests/policy/policy_builders.h"

#include <nlohmann/json.hpp>

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::string canonical(const std::vector<StoredView>& values) {
  std::string bytes;
  for (const StoredView& value : values) {
    append_canonical(bytes, value);
  }
  return bytes;
}

std::string line_of(const std::vector<StoredView>& values, const std::string& key = "7") {
  std::string line;
  append_row(line, key, values);
  REQUIRE(line.back() == '\n');
  line.pop_back();
  REQUIRE(line.find('\n') == std::string::npos);
  return line;
}

/// The canonical bytes that come back from the line of these values; "" where none do.
std::string round_trip(const std::vector<StoredView>& values) {
  const auto row = parse_row(line_of(values));
  return row ? row->content : std::string{};
}

std::string random_bytes_of(std::mt19937& chance, std::size_t most) {
  std::string bytes(chance() % (most + 1), '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(chance());
  }
  return bytes;
}

/// The archive of a run with one integer column, in a folder of its own.
struct Bench {
  TempFolder folder;
  ArchiveFiles store{folder.path()};
  LogShape shape{.columns = {"id", "at"},
                 .mapping = {{"id", "id"}, {"time", "at"}, {"time_format", "unix_ms"}}};
  ArchiveWriter writer{store, shape, {.database = "db", .run = 3}};

  void add(std::int64_t key) {
    writer.add(RowKey::integer(key), canonical({StoredView{key}, StoredView{key * 1000}}));
  }
  std::int64_t add_slice(std::int64_t number, std::int64_t first, std::int64_t count) {
    writer.start_slice(number);
    for (std::int64_t key = first; key < first + count; ++key) {
      add(key);
    }
    return writer.finish_slice();
  }
  [[nodiscard]] std::filesystem::path file() const { return folder / "run-db-3.ndjson.zst"; }
};

}  // namespace

TEST_CASE("a head says what its rows were read as", "[archive]") {
  const FrameHead plain{.database = "0a1b2c3d", .run = 3, .slice = 2};
  FrameHead head = plain;
  head.columns = {"id", R"(a "b", c)", "", "Größe"};
  head.mapping = {{"table", "log"}, {"time", "a\\]"}};
  std::string line;
  append_head(line, head);
  REQUIRE(line.back() == '\n');
  line.pop_back();
  CHECK(nlohmann::json::parse(line).at("columns") == nlohmann::json(head.columns));
  CHECK(nlohmann::json::parse(line).at("mapping") == nlohmann::json(head.mapping));
  CHECK(parse_head(line) == head);
  CHECK(parse_head(line)->is_of(plain));
  head.mapping.clear();
  std::string unmapped;
  append_head(unmapped, head);
  unmapped.pop_back();
  CHECK(parse_head(unmapped) == head);
  for (std::size_t length = 0; length < line.size(); ++length) {
    CHECK_FALSE(parse_head(line.substr(0, length)));
  }
  CHECK_FALSE(parse_head(line + "}"));
  // As heads were before they said it.
  CHECK(parse_head(R"({"database":"0a1b2c3d","run":3,"slice":2})") == plain);
}

TEST_CASE("a line is the JSON that the README describes", "[archive]") {
  CHECK(line_of({StoredView{}, StoredView{std::int64_t{-5}}, StoredView{0.5}}, "a\"b") ==
        R"({"k":"a\"b","v":[["n",""],["i","-5"],["r","0.5"]]})");
  CHECK(line_of({StoredView{std::string_view{"é\n\\"}}, StoredView{BlobView{"\x01\xff"}}}) ==
        R"({"k":"7","v":[["t","é\u000a\\"],["b","01ff"]]})");
  CHECK(line_of({StoredView{std::string_view{"\xff"}}}) == R"({"k":"7","v":[["th","ff"]]})");
}

TEST_CASE("every value comes back with the same bytes", "[archive]") {
  const std::string long_text(10'000, 'x');
  const std::string nul{"a\0b", 3};
  for (const StoredView& value :
       {StoredView{},
        StoredView{std::int64_t{0}},
        StoredView{kLeast},
        StoredView{kMost},
        StoredView{std::string_view{""}},
        StoredView{std::string_view{nul}},
        StoredView{std::string_view{"\"\\/\b\f\n\r\t\x1f\x7f"}},
        StoredView{std::string_view{"Grüße 日本 🗑"}},
        StoredView{std::string_view{"not UTF-8: \xc3("}},
        StoredView{std::string_view{long_text}},
        StoredView{BlobView{""}},
        StoredView{BlobView{nul}},
        StoredView{0.1},
        StoredView{1.0 / 3.0},
        StoredView{-0.0},
        StoredView{std::numeric_limits<double>::denorm_min()},
        StoredView{std::numeric_limits<double>::max()},
        StoredView{std::numeric_limits<double>::infinity()},
        StoredView{-std::numeric_limits<double>::infinity()},
        StoredView{std::numeric_limits<double>::quiet_NaN()},
        StoredView{std::bit_cast<double>(std::uint64_t{0xFFF8000000000123})}}) {
    CHECK(round_trip({value}) == canonical({value}));
  }
}

TEST_CASE("random rows come back with the same bytes", "[archive]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 chance(seed);
  for (int row = 0; row < 500; ++row) {
    const std::string text = random_bytes_of(chance, 40);
    const std::string blob = random_bytes_of(chance, 40);
    const std::uint64_t bits = (std::uint64_t{chance()} << 32U) | chance();
    const std::vector<StoredView> values = {StoredView{std::string_view{text}},
                                            StoredView{std::bit_cast<double>(bits)},
                                            StoredView{BlobView{blob}},
                                            StoredView{std::bit_cast<std::int64_t>(bits)},
                                            StoredView{}};
    REQUIRE(round_trip(values) == canonical(values));
  }
}

TEST_CASE("a line of another form is none", "[archive]") {
  for (const char* line : {"",
                           "{}",
                           R"({"k":"7"})",
                           R"({"k":"7","v":[["i","x"]]})",
                           R"({"k":"7","v":[["i","9223372036854775808"]]})",
                           R"({"k":"7","v":[["n","x"]]})",
                           R"({"k":"7","v":[["b","0"]]})",
                           R"({"k":"7","v":[["z",""]]})",
                           R"({"k":"7","v":[["t","a"]["t","b"]]})",
                           R"({"k":"7","v":[["t","a\u0041"]]})",
                           R"({"k":"7","v":[["t","a]]})",
                           R"({"k":"7","v":[["t","a"]]} )"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_row(line));
  }
}

TEST_CASE("names of archives are told from other names", "[archive]") {
  const std::string database = "0a1b2c3d4e5f";
  CHECK(archive_name({.database = database, .run = 12}) == "run-0a1b2c3d-12.ndjson.zst");
  CHECK(manifest_name({.database = database, .run = 12}) == "run-0a1b2c3d-12.manifest.json");
  CHECK(run_of_archive("run-0a1b2c3d-12.ndjson.zst", database) == 12);
  CHECK(run_of_manifest("run-0a1b2c3d-12.manifest.json", database) == 12);
  for (const char* name : {"run-0a1b2c3d-.ndjson.zst",
                           "run-0a1b2c3d-0.ndjson.zst",
                           "run-0a1b2c3d-012.ndjson.zst",
                           "run-0a1b2c3d-1x.ndjson.zst",
                           "run-0a1b2c3d-1.ndjson",
                           "run-0a1b2c3e-1.ndjson.zst",
                           "run-1.ndjson.zst",
                           "a-run-0a1b2c3d-1.ndjson.zst"}) {
    CAPTURE(name);
    CHECK_FALSE(run_of_archive(name, database));
  }
}

TEST_CASE("a run that deletes nothing leaves no archive", "[archive]") {
  Bench bench;
  CHECK(bench.add_slice(1, 1, 0) == 0);
  CHECK_FALSE(std::filesystem::exists(bench.file()));
}

TEST_CASE("a slice that is given up or repeated is cut off", "[archive]") {
  Bench bench;
  const std::int64_t first = bench.add_slice(1, 1, 10);
  CHECK(static_cast<std::uintmax_t>(first) == std::filesystem::file_size(bench.file()));
  const std::int64_t second = bench.add_slice(2, 11, 20'000);
  CHECK(second > first);
  bench.writer.start_slice(2);
  CHECK(std::filesystem::file_size(bench.file()) == static_cast<std::uintmax_t>(first));
  bench.add(11);
  bench.writer.start_slice(2);
  CHECK(bench.add_slice(2, 11, 20'000) == second);
  REQUIRE(bench.writer.frames().size() == 2);
  const ArchiveFrame& frame = bench.writer.frames().back();
  CHECK(frame.rows == 20'000);
  CHECK(frame.first_key == "11");
  CHECK(frame.last_key == "20010");
  CHECK(frame.oldest == from_unix_ms(11'000));
  CHECK(frame.newest == from_unix_ms(20'010'000));
}

TEST_CASE("a frame reads back, and a flipped byte or a cut is found", "[archive]") {
  Bench bench;
  const std::int64_t end = bench.add_slice(1, 1, 1000);
  CHECK(mode_of(bench.file()) == 0600);
  const FramePlace place{.name = "run-3", .begin = 0, .end = end};
  const auto read = [&] {
    const auto file = bench.store.open("run-db-3.ndjson.zst", ArchiveUse::reading);
    std::int64_t sum = 0;
    const FrameRows rows = read_rows(
        *file, place, {.database = "db", .run = 3, .slice = 1}, [&sum](const ArchiveLine& row) {
          sum += std::stoll(row.key);
        });
    CHECK(rows.rows == 1000);
    return sum;
  };
  CHECK(read() == 500'500);

  const std::string whole = read_text(bench.file());
  std::string flipped = whole;
  flipped[whole.size() / 2] = static_cast<char>(flipped[whole.size() / 2] ^ 1);
  write_text(bench.file(), flipped);
  CHECK_THROWS_AS(read(), ArchiveError);
  write_text(bench.file(), whole.substr(0, whole.size() - 1));
  CHECK_THROWS_AS(read(), ArchiveError);
  write_text(bench.file(), whole);
  CHECK(read() == 500'500);
}

TEST_CASE("an archive that is there is never replaced", "[archive]") {
  Bench bench;
  write_text(bench.file(), "somebody else's");
  bench.writer.start_slice(1);
  CHECK_THROWS_AS(bench.add(1), ArchiveError);
  CHECK(read_text(bench.file()) == "somebody else's");
}

TEST_CASE("a slice is not finished in a file that lost its name or got another", "[archive]") {
  Bench bench;
  CHECK(bench.add_slice(1, 1, 10) > 0);
  const std::string whole = read_text(bench.file());
  SECTION("removed") {
    CHECK(std::filesystem::remove(bench.file()));
  }
  SECTION("replaced") {
    std::filesystem::rename(bench.file(), bench.folder / "away");
    write_text(bench.file(), whole);
    CHECK(read_text(bench.file()) == whole);
  }
  SECTION("linked") {
    std::filesystem::create_hard_link(bench.file(), bench.folder / "second");
    CHECK(std::filesystem::hard_link_count(bench.file()) == 2);
  }
  CHECK_THROWS_AS(bench.add_slice(2, 11, 10), ArchiveError);
}

TEST_CASE("no archive is begun beside the manifest or the tombstone of its name", "[archive]") {
  Bench bench;
  write_text(bench.folder / "run-db-3.manifest.json", "an earlier run 3");
  bench.writer.start_slice(1);
  CHECK_THROWS_AS(bench.add(1), ArchiveError);
  CHECK_FALSE(std::filesystem::exists(bench.file()));
}

TEST_CASE("a manifest reads back, and a tombstone keeps neither keys nor salt", "[archive]") {
  ArchiveManifest manifest{.run = 3,
                           .database = "db",
                           .made_at = at("2030-01-02T03:04:05Z"),
                           .table = "audit_events",
                           .columns = {"id", "at"},
                           .mapping = {{"id", "id"}},
                           .salt = std::string(32, '\x07'),
                           .frames = {{.slice = 1,
                                       .rows = 2,
                                       .bytes = 100,
                                       .end = 100,
                                       .sha256 = "aa",
                                       .digest = "bb",
                                       .first_key = "key-1",
                                       .last_key = "key-2"}},
                           .rows = 2,
                           .bytes = 100,
                           .sha256 = "cc"};
  const std::string text = to_text(manifest);
  const ArchiveManifest back = manifest_from(text, "m");
  CHECK(to_text(back) == text);
  CHECK(back.salt == manifest.salt);
  manifest.destroyed_at = at("2031-01-01T00:00:00Z");
  manifest.why = "past [archive].keep";
  const std::string tombstone = to_text(manifest);
  CHECK(tombstone.find("key-1") == std::string::npos);
  CHECK(tombstone.find("0707") == std::string::npos);
  CHECK(manifest_from(tombstone, "m").destroyed_at == manifest.destroyed_at);
  CHECK_THROWS_AS(manifest_from(text.substr(0, 40), "m"), ArchiveError);
  CHECK_THROWS_AS(manifest_from(R"({"format":"other"})", "m"), ArchiveError);
  auto number = nlohmann::json::parse(text);
  number["rows"] = 1e300;
  CHECK_THROWS_AS(manifest_from(number.dump(), "m"), ArchiveError);
}
