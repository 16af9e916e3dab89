// SPDX-License-Identifier: Apache-2.0
#include "jobs/missed_runs.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "jobs/run_lock.h"
#include "tests/jobs/temp_folder.h"

using namespace holdfast;
using holdfast::testing::TempFolder;

namespace {

MissedRun missed(std::int64_t at_ms, const std::string& message = "disk full") {
  return {.at = from_unix_ms(at_ms),
          .error = {.reason = "disk_full", .message = message},
          .started_by = "cron",
          .host = "db1"};
}

}  // namespace

TEST_CASE("notes of missed runs read back as they were written", "[missed_runs]") {
  const std::string notes = write_missed({missed(1), missed(2, "quotes \" and\nlines")});
  CHECK(notes.size() == kMissedNotesBytes);
  const auto runs = read_missed(notes);
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].at == from_unix_ms(1));
  CHECK(runs[1].error.reason == "disk_full");
  CHECK(runs[1].started_by == "cron");
  CHECK(runs[1].host == "db1");
  CHECK(runs[1].error.message == "quotes \" and\nlines");
}

TEST_CASE("no notes are no missed runs, whatever an older lock file holds", "[missed_runs]") {
  CHECK(read_missed("").empty());
  CHECK(read_missed(write_missed({})).empty());
  CHECK(read_missed(std::string(kMissedNotesBytes, '\0')).empty());
}

TEST_CASE("a note that cannot be read is a missed run all the same", "[missed_runs]") {
  for (const char* damaged :
       {"{", "7", R"({"at_ms":1})", R"({"at_ms":"1","left_out":0,"reason":"r","message":""})"}) {
    CAPTURE(damaged);
    const auto runs = read_missed(damaged);
    REQUIRE(runs.size() == 1);
    CHECK(runs.front().error.reason == "unreadable");
  }
}

TEST_CASE("many missed runs: the oldest and the newest stay, and the others are counted",
          "[missed_runs]") {
  std::vector<MissedRun> runs;
  for (int night = 1; night <= 400; ++night) {
    runs.push_back(missed(night, std::string(2000, 'x')));
  }
  const auto kept = read_missed(write_missed(runs));
  REQUIRE(kept.size() > 2);
  CHECK(kept.front().at == from_unix_ms(1));
  CHECK(kept.back().at == from_unix_ms(400));
  std::int64_t all = 0;
  for (const MissedRun& run : kept) {
    all += 1 + run.left_out;
  }
  CHECK(all == 400);
}

TEST_CASE("the lock file keeps missed runs until they are recorded", "[missed_runs]") {
  const TempFolder folder;
  const auto database = folder / "audit.db";
  {
    RunLock lock(database);
    CHECK(lock.missed().empty());
    CHECK(lock.note_missed(missed(1)));
    CHECK(lock.note_missed(missed(2)));
  }
  CHECK(std::filesystem::file_size(RunLock::file_for(database)) == kMissedNotesBytes);
  RunLock lock(database);
  CHECK(lock.missed().size() == 2);
  CHECK(lock.forget_missed());
  CHECK(lock.missed().empty());
}

TEST_CASE("looking at a lock makes no file, and says whether it is taken", "[missed_runs]") {
  const TempFolder folder;
  const auto database = folder / "audit.db";
  CHECK_FALSE(RunLock::look_at(database).has_value());
  CHECK_FALSE(std::filesystem::exists(RunLock::file_for(database)));
  {
    RunLock lock(database);
    REQUIRE(lock.note_missed(missed(1)));
    const auto look = RunLock::look_at(database);
    REQUIRE(look.has_value());
    CHECK(look->taken);
    CHECK(look->missed.size() == 1);
  }
  CHECK_FALSE(RunLock::look_at(database)->taken);
  std::filesystem::remove(RunLock::file_for(database));
  std::filesystem::create_directory(RunLock::file_for(database));
  CHECK_FALSE(RunLock::look_at(database).has_value());
}

TEST_CASE("whoever only looks at the lock is no other run", "[missed_runs]") {
  const TempFolder folder;
  const auto database = folder / "audit.db";
  { const RunLock made(database); }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
  const int looking = ::open(RunLock::file_for(database).c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(looking >= 0);
  REQUIRE(::flock(looking, LOCK_SH | LOCK_NB) == 0);
  std::thread looked([looking] {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    ::close(looking);
  });
  CHECK_NOTHROW(RunLock(database));
  looked.join();
}
