// SPDX-License-Identifier: Apache-2.0
#include "jobs/lock_pacer.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr RunBudget kBudget{.max_lock = milliseconds{50}, .max_lock_idle = milliseconds{1000}};

/// A slice whose rows took this long each, with a commit of a quarter of the work.
SliceTiming slice(std::int64_t rows, microseconds per_row) {
  return {.work = rows * per_row, .commit = rows * per_row / 4, .rows = rows};
}

SliceTiming disturbed(SliceTiming timing) {
  timing.others_wrote = true;
  return timing;
}

}  // namespace

TEST_CASE("a first slice beside a writer is small and within the promise", "[lock_pacer]") {
  const LockPacer pacer{kBudget, LockPacer::kQuietSpell - microseconds{1}};
  CHECK(pacer.row_budget() == 200);
  CHECK(pacer.work_budget() < milliseconds{25});
  CHECK(pacer.longest_lock() == microseconds{0});
}

TEST_CASE("the first slice is larger where nobody has written for long", "[lock_pacer]") {
  const LockPacer pacer{kBudget, LockPacer::kQuietSpell};
  CHECK(pacer.undisturbed());
  CHECK(pacer.row_budget() == 32'768);
  CHECK(pacer.work_budget() <= kBudget.max_lock_idle);
}

TEST_CASE("while nobody else writes slices grow by four, and never above the idle lock",
          "[lock_pacer]") {
  LockPacer pacer{kBudget};
  for (int i = 0; i < 40; ++i) {
    const std::int64_t before = pacer.row_budget();
    pacer.learn(slice(before, microseconds{20}));
    CHECK(pacer.row_budget() <= 4 * before);
    // Work and commit of the next slice, at the speed that was learned.
    CHECK(pacer.row_budget() * microseconds{25} <= milliseconds{1000});
    CHECK(pacer.work_budget() <= milliseconds{1000});
  }
  CHECK(pacer.row_budget() * microseconds{25} > milliseconds{800});
}

TEST_CASE("the slice after the next is as large as it will be then", "[lock_pacer]") {
  LockPacer pacer{kBudget};
  CHECK(pacer.later_row_budget() == 4 * pacer.row_budget());
  for (int i = 0; i < 6; ++i) {
    const std::int64_t later = pacer.later_row_budget();
    pacer.learn(slice(pacer.row_budget(), microseconds{20}));
    CHECK((i == 0 || pacer.row_budget() == later));
  }
  CHECK(pacer.later_row_budget() == pacer.row_budget());
  pacer.learn(disturbed(slice(1'000, microseconds{20})));
  CHECK(pacer.later_row_budget() == pacer.row_budget());
}

TEST_CASE("a foreign commit takes the next slice back to the busy lock", "[lock_pacer]") {
  LockPacer pacer{kBudget};
  for (int i = 0; i < 20; ++i) {
    pacer.learn(slice(pacer.row_budget(), microseconds{20}));
  }
  REQUIRE(pacer.row_budget() > 20'000);
  pacer.learn(disturbed(slice(pacer.row_budget(), microseconds{20})));
  CHECK(pacer.row_budget() * microseconds{25} <= milliseconds{50});
  CHECK(pacer.work_budget() <= milliseconds{50});
  pacer.learn(disturbed(slice(pacer.row_budget(), microseconds{20})));
  CHECK(pacer.row_budget() * microseconds{25} <= milliseconds{50});
}

TEST_CASE("a writer that is met before the slice begins has it shortened at once", "[lock_pacer]") {
  LockPacer pacer{kBudget};
  for (int i = 0; i < 20; ++i) {
    pacer.learn(slice(pacer.row_budget(), microseconds{20}));
  }
  REQUIRE(pacer.undisturbed());
  REQUIRE(pacer.work_limit() > milliseconds{700});
  CHECK(pacer.work_limit() > pacer.work_budget());
  pacer.meet_writer();
  CHECK_FALSE(pacer.undisturbed());
  CHECK(pacer.row_budget() * microseconds{25} <= milliseconds{50});
  CHECK(pacer.work_limit() <= milliseconds{50});
  pacer.learn(slice(pacer.row_budget(), microseconds{20}));
  CHECK_FALSE(pacer.undisturbed());
}

TEST_CASE("a writer that rests for a while does not make slices grow", "[lock_pacer]") {
  LockPacer pacer{kBudget};
  // A commit every 200 ms or so: between two of them several slices meet nobody.
  for (int i = 0; i < 100; ++i) {
    SliceTiming timing = slice(pacer.row_budget(), microseconds{20});
    timing.others_wrote = i % 5 == 0;
    pacer.learn(timing);
    CHECK(pacer.row_budget() * microseconds{25} <= milliseconds{50});
  }
}

TEST_CASE("a run beside a writer begins with short locks", "[lock_pacer]") {
  LockPacer pacer{kBudget, microseconds{0}};
  microseconds spent{0};
  while (spent < LockPacer::kQuietSpell - milliseconds{100}) {
    const SliceTiming timing = slice(pacer.row_budget(), microseconds{20});
    pacer.learn(timing);
    CHECK(pacer.row_budget() * microseconds{25} <= milliseconds{50});
    spent += timing.work + timing.commit + pacer.pause();
  }
  for (int i = 0; i < 20; ++i) {
    pacer.learn(slice(pacer.row_budget(), microseconds{20}));
  }
  CHECK(pacer.row_budget() * microseconds{25} > milliseconds{500});
}

TEST_CASE("locks that lasted too long make the next ones shorter", "[lock_pacer]") {
  LockPacer pacer{kBudget};
  const SliceTiming late = {.work = milliseconds{40}, .commit = milliseconds{20}, .rows = 100};
  pacer.learn(disturbed(late));
  const std::int64_t after_one = pacer.row_budget();
  pacer.learn(disturbed(late));
  CHECK(pacer.row_budget() < after_one);
}

TEST_CASE("a slow commit leaves less time for work", "[lock_pacer]") {
  LockPacer quick{kBudget};
  LockPacer slow{kBudget};
  quick.learn(
      {.work = milliseconds{10}, .commit = milliseconds{1}, .rows = 100, .others_wrote = true});
  slow.learn(
      {.work = milliseconds{10}, .commit = milliseconds{90}, .rows = 100, .others_wrote = true});
  CHECK(slow.work_budget() < quick.work_budget());
  CHECK(slow.row_budget() < quick.row_budget());
  // One slow commit is not forgotten at once.
  const microseconds after_one = slow.work_budget();
  slow.learn(
      {.work = milliseconds{10}, .commit = milliseconds{1}, .rows = 100, .others_wrote = true});
  CHECK(slow.work_budget() > after_one);
  CHECK(slow.work_budget() < quick.work_budget());
}

TEST_CASE("what commits of small slices cost says little of large ones", "[lock_pacer]") {
  LockPacer pacer{kBudget};
  CHECK(pacer.work_limit() < milliseconds{600});  // nothing is known yet
  pacer.learn({.work = milliseconds{20}, .commit = milliseconds{30}, .rows = 5'000});
  pacer.learn({.work = milliseconds{120}, .commit = milliseconds{60}, .rows = 20'000});
  pacer.learn({.work = milliseconds{450}, .commit = milliseconds{110}, .rows = 80'000});
  // A commit of a quarter of the work fits into the second that was promised.
  CHECK(pacer.work_limit() > milliseconds{800});
  // One of the same size that took longer is not forgotten at once.
  pacer.learn({.work = milliseconds{400}, .commit = milliseconds{400}, .rows = 80'000});
  const microseconds slow = pacer.work_limit();
  pacer.learn({.work = milliseconds{450}, .commit = milliseconds{110}, .rows = 80'000});
  CHECK(pacer.work_limit() < milliseconds{700});
  CHECK(pacer.work_limit() > slow);
  // Nor where slices had become small in between, and grow again.
  pacer.learn({.work = milliseconds{400}, .commit = milliseconds{400}, .rows = 80'000});
  pacer.learn({.work = milliseconds{45}, .commit = milliseconds{11}, .rows = 8'000});
  pacer.learn({.work = milliseconds{180}, .commit = milliseconds{44}, .rows = 32'000});
  CHECK(pacer.work_limit() < milliseconds{750});
}

TEST_CASE("a slice that is known row by row may last a tenth longer while nobody waits",
          "[lock_pacer]") {
  LockPacer pacer{kBudget};
  const auto in_time = [](milliseconds lock) {
    return SliceTiming{.work = lock * 4 / 5, .commit = lock / 5, .rows = 100'000};
  };
  pacer.learn(in_time(milliseconds{500}));
  pacer.learn(in_time(milliseconds{500}));
  // With the commit behind it, the lock stays below one and a half times what was promised.
  CHECK(pacer.work_limit() * 5 / 4 <= milliseconds{1'100});
  CHECK(pacer.work_limit() * 5 / 4 > milliseconds{1'000});
  const microseconds before = pacer.work_budget();
  pacer.learn(in_time(milliseconds{1'050}));
  CHECK(pacer.work_budget() >= before);
  pacer.learn(in_time(milliseconds{1'150}));
  CHECK(pacer.work_budget() < before);
}

TEST_CASE("a slice has always something to do", "[lock_pacer]") {
  LockPacer pacer{{.max_lock = milliseconds{1}, .max_lock_idle = milliseconds{1}}};
  pacer.learn({.work = std::chrono::seconds{30}, .commit = std::chrono::seconds{30}, .rows = 16});
  CHECK(pacer.row_budget() == 16);
  CHECK(pacer.work_budget() == microseconds{500});
  pacer.learn({});
  CHECK(pacer.row_budget() == 16);
  pacer.learn({.rows = 1});
  CHECK(pacer.row_budget() == 16);
}

TEST_CASE("an idle lock below the busy one does not shrink it", "[lock_pacer]") {
  LockPacer pacer{{.max_lock = milliseconds{50}, .max_lock_idle = milliseconds{1}}};
  for (int i = 0; i < 10; ++i) {
    pacer.learn(slice(pacer.row_budget(), microseconds{20}));
  }
  CHECK(pacer.row_budget() * microseconds{25} > milliseconds{30});
  CHECK(pacer.row_budget() * microseconds{25} <= milliseconds{50});
}

TEST_CASE("the pause is longer than a waiting writer sleeps", "[lock_pacer]") {
  struct Line {
    milliseconds lock;
    milliseconds pause;
  };
  // What the busy handler sleeps next after waiting so long, and a millisecond more.
  for (const Line& line : {Line{milliseconds{0}, milliseconds{6}},
                           Line{milliseconds{2}, milliseconds{6}},
                           Line{milliseconds{3}, milliseconds{11}},
                           Line{milliseconds{32}, milliseconds{21}},
                           Line{milliseconds{50}, milliseconds{26}},
                           Line{milliseconds{227}, milliseconds{51}},
                           Line{milliseconds{228}, milliseconds{101}},
                           Line{milliseconds{900}, milliseconds{101}}}) {
    CAPTURE(line.lock.count());
    LockPacer pacer{kBudget};
    pacer.learn({.work = line.lock, .rows = 10});
    CHECK(pacer.pause() == line.pause);
  }
}

TEST_CASE("the longest lock counts work and commit", "[lock_pacer]") {
  LockPacer pacer{kBudget};
  pacer.learn({.work = milliseconds{20}, .commit = milliseconds{10}, .rows = 5});
  pacer.learn({.work = milliseconds{1}, .commit = milliseconds{1}, .rows = 5});
  CHECK(pacer.longest_lock() == milliseconds{30});
}

TEST_CASE("under random loads the budget keeps its bounds", "[lock_pacer]") {
  Chance chance;
  for (int round = 0; round < 200; ++round) {
    LockPacer pacer{kBudget};
    for (int i = 0; i < 50; ++i) {
      const std::int64_t rows = chance.between(1, pacer.row_budget());
      SliceTiming timing = slice(rows, microseconds{chance.between(1, 5'000)});
      timing.commit += microseconds{chance.between(0, 20'000)};
      timing.others_wrote = chance.one_in(3);
      pacer.learn(timing);
      const microseconds next =
          (timing.work + timing.commit) * pacer.row_budget() / std::max<std::int64_t>(1, rows);
      const microseconds promise = timing.others_wrote ? kBudget.max_lock : kBudget.max_lock_idle;
      // The fewest rows may take longer than what was promised: there is no smaller slice.
      const bool as_small_as_can_be = pacer.row_budget() == 16;
      if (!(next <= promise || as_small_as_can_be) || pacer.work_budget() > promise ||
          pacer.row_budget() > std::max<std::int64_t>(16, (timing.others_wrote ? 2 : 4) * rows)) {
        FAIL("round " << round << ", slice " << i << ": " << pacer.row_budget() << " rows, "
                      << next.count() << " us");
      }
    }
  }
  SUCCEED("every budget was within its bounds");
}

TEST_CASE("a lock that came to nothing counts among the longest, and others rest after it",
          "[lock_pacer]") {
  LockPacer pacer{kBudget};
  pacer.learn(slice(1'000, microseconds{2}));
  const std::int64_t rows = pacer.row_budget();
  const auto short_rest = pacer.pause();
  pacer.note_lock(milliseconds{400});
  CHECK(pacer.longest_lock() == milliseconds{400});
  CHECK(pacer.pause() > short_rest);
  CHECK(pacer.row_budget() == rows);
}
