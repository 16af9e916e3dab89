// SPDX-License-Identifier: Apache-2.0
#include "storage/storage_error.h"

#include <system_error>

#include <catch2/catch.hpp>
#include <sqlite3.h>
#include <SQLiteCpp/SQLiteCpp.h>

using namespace holdfast;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("every result code of SQLite has its trouble, and the sentence names the database",
          "[storage-error]") {
  struct Row {
    int code;
    StorageTrouble trouble;
  };
  const auto row = GENERATE(Row{SQLITE_NOTADB, StorageTrouble::not_a_database},
                            Row{SQLITE_CORRUPT, StorageTrouble::corrupt},
                            Row{SQLITE_READONLY, StorageTrouble::read_only},
                            Row{SQLITE_FULL, StorageTrouble::full},
                            Row{SQLITE_BUSY, StorageTrouble::busy},
                            Row{SQLITE_LOCKED, StorageTrouble::busy},
                            Row{SQLITE_CANTOPEN, StorageTrouble::other},
                            Row{SQLITE_IOERR, StorageTrouble::other},
                            Row{SQLITE_NOMEM, StorageTrouble::other},
                            Row{SQLITE_ERROR, StorageTrouble::other},
                            Row{-1, StorageTrouble::other});
  const SQLite::Exception cause("what SQLite says", row.code);
  const StorageError error = as_storage_error(cause, "/srv/audit.db");
  CHECK(error.trouble() == row.trouble);
  CHECK_THAT(error.what(), StartsWith("/srv/audit.db: ") && Contains("what SQLite says"));
}

TEST_CASE("an error of the storage stays what it is", "[storage-error]") {
  const StorageError cause(StorageTrouble::mapping, "no such table");
  const StorageError error = as_storage_error(cause, "/srv/audit.db");
  CHECK(error.trouble() == StorageTrouble::mapping);
  CHECK(std::string(error.what()) == "no such table");
}

TEST_CASE("a full disk outside of SQLite is a full disk", "[storage-error]") {
  const std::system_error cause(std::make_error_code(std::errc::no_space_on_device), "copying");
  CHECK(as_storage_error(cause, "audit.db").trouble() == StorageTrouble::full);
}

TEST_CASE("an exception of somebody else keeps its message", "[storage-error]") {
  const StorageError error = as_storage_error(std::runtime_error("something else"), "audit.db");
  CHECK(error.trouble() == StorageTrouble::other);
  CHECK(std::string(error.what()) == "something else");
}
