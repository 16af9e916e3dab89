// SPDX-License-Identifier: Apache-2.0
// The write-ahead log begins anew only when what was copied out of it is on the disk.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <catch2/catch.hpp>
#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/database.h"
#include "tests/faults/fault_vfs.h"
#include "tests/faults/faulty_disk.h"
#include "tests/jobs/temp_folder.h"

namespace holdfast::testing {
namespace {

constexpr int kEntries = 34;  // of 4 MiB: more than a log may have before it has to begin anew
constexpr std::size_t kEntry = std::size_t{4} << 20;
constexpr std::int64_t kSyncsOfPart = 1;  // of a checkpoint that does not get to its end: the log

FaultyDisk& quiet_disk() {
  FaultyDisk& disk = FaultyDisk::the();
  disk.disarm();
  return disk;
}

std::unique_ptr<Database> made_on_fault_vfs(const OpenOptions& options) {
  use_fault_vfs();
  (void)init_sqlite(options, "test", Instant{});
  return open_sqlite(options);
}

void write_entries(Database& database, int count) {
  const auto write = database.begin_write(Durability::normal);
  for (int i = 0; i < count; ++i) {
    database.journal().add({.what = "a", .detail = std::string(kEntry, 'x')});
  }
  write->commit();
}

}  // namespace

TEST_CASE("a log of which a part was copied does not begin anew where that cannot be synced",
          "[faults][log]") {
  FaultyDisk& disk = quiet_disk();
  const TempFolder folder;
  const OpenOptions options{.path = folder.path() / "audit.db"};
  const auto database = made_on_fault_vfs(options);
  write_entries(*database, kEntries);
  // Somebody who still reads what was there before the last commit: a checkpoint does not get to
  // its end, and leaves what it has copied to be synced by another one.
  SQLite::Database reader(options.path.string());
  reader.exec("BEGIN; SELECT count(*) FROM holdfast_journal");
  write_entries(*database, 1);
  const auto log_size = [&] {
    return std::filesystem::file_size(folder.path() / "audit.db-wal");
  };
  const auto before = log_size();
  disk.insert(folder.path());
  disk.arm({.kind = FaultKind::sync, .strikes_at = kSyncsOfPart + 1});
  CHECK_THROWS(database->checkpoint_some());
  CHECK(disk.struck());
  reader.exec("COMMIT");
  write_entries(*database, 1);
  CHECK(log_size() > before);
  CHECK_NOTHROW(database->checkpoint_some());
  CHECK(database->integrity_problem().empty());
}

TEST_CASE("what was copied out of a log is synced, whoever copies the rest", "[faults][log]") {
  FaultyDisk& disk = quiet_disk();
  const TempFolder folder;
  const OpenOptions options{.path = folder.path() / "audit.db"};
  const auto database = made_on_fault_vfs(options);
  write_entries(*database, 1);
  SQLite::Database reader(options.path.string());
  // Of a checkpoint that gets to its end SQLite syncs the file too, unless somebody has committed
  // meanwhile: which it does not tell.
  const bool whole = GENERATE(false, true);
  if (!whole) {
    reader.exec("BEGIN; SELECT count(*) FROM holdfast_journal");
  }
  write_entries(*database, 1);
  disk.insert(folder.path());
  disk.arm({.kind = FaultKind::sync, .strikes_at = kSyncsOfPart + (whole ? 2 : 1)});
  CHECK_THROWS(database->checkpoint_some());
  CHECK(disk.struck());
  disk.disarm();
  if (!whole) {
    reader.exec("COMMIT");
  }
  CHECK(database->checkpoint_all());
  CHECK(database->integrity_problem().empty());
}

}  // namespace holdfast::testing
