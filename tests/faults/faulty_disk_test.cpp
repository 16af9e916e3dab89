// SPDX-License-Identifier: Apache-2.0
// The faulty disk finds what it is there for: a program that does not sync loses by it.

#include "tests/faults/faulty_disk.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <catch2/catch.hpp>
#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/faults/fault_vfs.h"
#include "tests/jobs/temp_folder.h"

using namespace holdfast::testing;

namespace {

constexpr int kAccounts = 60;

/// A bank: whatever happens, the sum of all accounts stays.
class Bank {
 public:
  Bank(const std::string& journal, std::string synchronous)
      : journal_(journal), synchronous_(std::move(synchronous)) {
    use_fault_vfs();
    FaultyDisk::the().disarm();
    SQLite::Database db(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    (void)db.execAndGet("PRAGMA journal_mode = " + journal);
    db.exec(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER, note TEXT);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO "
        "account SELECT i, 100, hex(zeroblob(400)) FROM n");
  }

  /// Moves money until the power is gone; returns how many moves were committed by then.
  int move_until(std::int64_t at_act) {
    FaultyDisk::the().insert(folder_.path());
    FaultyDisk::the().arm({.kind = FaultKind::power, .strikes_at = at_act, .lasting = true});
    int moves = 0;
    try {
      SQLite::Database db(path(), SQLite::OPEN_READWRITE);
      db.exec("PRAGMA synchronous = " + synchronous_ + "; PRAGMA wal_autocheckpoint = 4");
      for (int move = 1; move <= 6; ++move) {
        db.exec(
            "BEGIN; UPDATE account SET money = money - 1 WHERE id <= 20; UPDATE account SET "
            "money = money + 1 WHERE id > 40; UPDATE account SET note = " +
            std::to_string(move) + " WHERE id = 30; COMMIT");
        moves = move;
      }
    } catch (const SQLite::Exception&) {
      // The power is gone.
    }
    struck_ = FaultyDisk::the().struck();
    FaultyDisk::the().disarm();
    return moves;
  }

  /// "" where every committed move is there and no half of one.
  std::string look(int moves, Survival survival, std::uint64_t seed) {
    FaultyDisk::the().restart(survival, seed);
    try {
      SQLite::Database db(path(), SQLite::OPEN_READWRITE);
      const std::string sound = db.execAndGet("PRAGMA integrity_check").getString();
      if (sound != "ok") {
        return sound;
      }
      if (db.execAndGet("SELECT sum(money) FROM account").getInt() != 100 * kAccounts) {
        return "half a move";
      }
      const int found =
          db.execAndGet("SELECT CAST(note AS INTEGER) FROM account WHERE id = 30").getInt();
      return found < moves ? "a move is lost" : "";
    } catch (const SQLite::Exception& error) {
      return error.what();
    }
  }

  [[nodiscard]] bool struck() const { return struck_; }

 private:
  [[nodiscard]] std::string path() const { return (folder_.path() / "bank.db").string(); }

  TempFolder folder_;
  std::string journal_;
  std::string synchronous_;
  bool struck_ = false;
};

/// What power cuts did to banks that sync so, cut after cut.
std::map<std::string, int> losses(const std::string& journal, const std::string& synchronous) {
  std::map<std::string, int> found;
  for (std::int64_t at_act = 1;; at_act += 2) {
    for (const Survival survival : {Survival::nothing, Survival::some, Survival::everything}) {
      Bank bank{journal, synchronous};
      const int moves = bank.move_until(at_act);
      if (!bank.struck()) {
        return found;
      }
      ++found[bank.look(moves, survival, static_cast<std::uint64_t>(at_act))];
    }
  }
}

}  // namespace

TEST_CASE("a power cut takes what was not synced, and only that", "[.long][long][faults][disk]") {
  const auto all_kept = [](const std::map<std::string, int>& found) {
    for (const auto& [what, times] : found) {
      UNSCOPED_INFO(what << ": " << times);
    }
    return found.size() == 1 && found.begin()->first.empty();
  };
  CHECK(all_kept(losses("DELETE", "EXTRA")));
  CHECK(all_kept(losses("WAL", "FULL")));
  // Each level promises what its documentation says, and no more.
  CHECK(losses("DELETE", "FULL")["a move is lost"] > 0);
  CHECK(losses("WAL", "NORMAL")["a move is lost"] > 0);
  auto unsynced = losses("DELETE", "OFF");
  unsynced.erase("");
  unsynced.erase("a move is lost");
  CHECK_FALSE(unsynced.empty());
}
