// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

/// A database that `init` made, and the register of exports inside it.
struct Scratch {
  ScratchDatabase folder;
  std::unique_ptr<Database> database = made_database(folder.options());

  [[nodiscard]] ExportRegister& exports() const { return database->exports(); }
  [[nodiscard]] std::int64_t open(const ExportRequest& request) const {
    std::int64_t id = 0;
    in_write(*database, [&] { id = exports().open(request); });
    return id;
  }
  void store(const ExportRequest& request) const {
    in_write(*database, [&] { exports().store(request); });
  }
};

ExportRequest whole(std::int64_t id) {
  return {.id = id,
          .tenant = "acme",
          .subject = std::string("u-1\xFF'"),
          .state = ExportState::ready,
          .requested_by = "portal",
          .requested_at = from_unix_ms(11),
          .made_by = "alice",
          .made_at = from_unix_ms(12),
          .expires_at = from_unix_ms(13),
          .file = "export-0a1b2c3d-1.zip",
          .bytes = 14,
          .sha256 = std::string(64, 'a'),
          .rows = 15,
          .downloads = 16,
          .downloaded_at = from_unix_ms(17),
          .ended_by = "bob",
          .ended_at = from_unix_ms(18),
          .end_reason = "command"};
}

std::vector<std::int64_t> ids(const std::vector<ExportRequest>& requests) {
  std::vector<std::int64_t> found;
  for (const ExportRequest& request : requests) {
    found.push_back(request.id);
  }
  return found;
}

}  // namespace

TEST_CASE("an export comes back as it was stored", "[export]") {
  const Scratch scratch;
  const std::int64_t id = scratch.open({.subject = "u-1"});
  const ExportRequest stored = whole(id);
  scratch.store(stored);
  const ExportRequest found = scratch.exports().find(id).value();
  CHECK(found.tenant == stored.tenant);
  CHECK(found.subject == stored.subject);
  CHECK(found.state == stored.state);
  CHECK(found.requested_by == stored.requested_by);
  CHECK(found.requested_at == stored.requested_at);
  CHECK(found.made_by == stored.made_by);
  CHECK(found.made_at == stored.made_at);
  CHECK(found.expires_at == stored.expires_at);
  CHECK(found.file == stored.file);
  CHECK(found.bytes == stored.bytes);
  CHECK(found.sha256 == stored.sha256);
  CHECK(found.rows == stored.rows);
  CHECK(found.downloads == stored.downloads);
  CHECK(found.downloaded_at == stored.downloaded_at);
  CHECK(found.ended_by == stored.ended_by);
  CHECK(found.ended_at == stored.ended_at);
  CHECK(found.end_reason == stored.end_reason);
}

TEST_CASE("a subject has one export to be made in a tenant, whoever writes the line", "[export]") {
  const Scratch scratch;
  const std::int64_t first = scratch.open({.subject = "u-1"});
  CHECK_THROWS_WITH(scratch.open({.tenant = "", .subject = "u-1"}),
                    Contains("export " + std::to_string(first)) && !Contains("u-1"));
  CHECK(scratch.open({.tenant = "acme", .subject = "u-1"}) != first);
  CHECK_THROWS(run_sql(scratch.folder.file("audit.db"),
                       "INSERT INTO holdfast_export (subject, state, requested_by, "
                       "requested_at_ms, made_by, file, bytes, sha256, rows_exported, downloads, "
                       "ended_by, end_reason) "
                       "VALUES ('u-1', 'requested', '', 0, '', '', 0, '', 0, 0, '', '')"));
  ExportRequest made = scratch.exports().find(first).value();
  made.state = ExportState::ready;
  scratch.store(made);
  CHECK(scratch.open({.subject = "u-1"}) > first);
}

TEST_CASE("exports are found by subject, by what is kept, and all", "[export]") {
  const Scratch scratch;
  const std::int64_t first = scratch.open({.subject = "u-1"});
  const std::int64_t other = scratch.open({.subject = "U-1"});
  ExportRequest ended = scratch.exports().find(first).value();
  ended.state = ExportState::destroyed;
  scratch.store(ended);
  const std::int64_t second = scratch.open({.tenant = "", .subject = "u-1"});
  CHECK(ids(scratch.exports().of({.tenant = std::nullopt, .person = "u-1"})) ==
        std::vector{first, second});
  CHECK(ids(scratch.exports().kept()) == std::vector{other, second});
  CHECK(ids(scratch.exports().all()) == std::vector{first, other, second});
  CHECK_FALSE(scratch.exports().find(99));
}

TEST_CASE("storing an export that is not there is an error", "[export]") {
  const Scratch scratch;
  CHECK_THROWS_AS(scratch.store(whole(5)), StorageError);
}
