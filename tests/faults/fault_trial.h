// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/faults/fault_world.h"

namespace holdfast::testing {

/// A kind of fault as the table names it.
struct FaultLine {
  std::string name;
  FaultKind kind = FaultKind::none;
  bool lasting = false;
  Survival survival = Survival::some;  ///< of a power cut
  bool twice = false;  ///< the power goes a second time while the deed is done again
};

/// Every kind that is tried.
[[nodiscard]] const std::vector<FaultLine>& fault_lines();

/// How a deed ended, as it says itself.
struct DeedEnd {
  bool done = false;
  std::string message;  ///< why not
  std::string outcome;  ///< of a run, as it said itself
  std::int64_t run = 0;
};

/// Deeds that are tried together.
enum class DeedGroup { run, run_in_rollback, erasure, exports, upkeep };

/// What is done while something fails, and what somebody does afterwards.
struct Deed {
  std::string name;
  DeedGroup group = DeedGroup::run;
  FaultWorldOptions world;
  std::function<DeedEnd(FaultWorld&)> act;
  /// Once nothing fails any more: throws, or says what went wrong.
  std::function<std::string(FaultWorld&)> again;
  /// SQL: 1 where a deed that said it was done is done. Empty: it leaves nothing.
  std::string done_sql;
  /// Every so many acts are struck; 1: each. Kinds of faults that last are tried at one in three.
  std::int64_t stride = 1;
};

/// What became of the points that were tried.
struct Toll {
  std::int64_t tried = 0;
  std::int64_t rows_lost = 0;      ///< or changed, that should have stayed
  std::int64_t without_event = 0;  ///< runs without exactly one audit event of their outcome
  std::int64_t inconsistent = 0;   ///< ledgers, or whole databases
  std::int64_t not_recovered = 0;  ///< the deed done again did not end as an undisturbed one
  std::vector<std::string> problems;

  void add(const Toll& other);
  [[nodiscard]] std::int64_t bad() const {
    return rows_lost + without_event + inconsistent + not_recovered;
  }
};

/// Tries one deed with one fault after the other, each in a world as at the beginning.
class FaultTrial {
 public:
  explicit FaultTrial(Deed deed);

  /// How many acts of the undisturbed deed a fault of this kind could strike.
  [[nodiscard]] std::int64_t acts(const FaultLine& line) const { return acts_.at(line.name); }
  /// How many of all acts were those of another thread.
  [[nodiscard]] std::int64_t acts_elsewhere() const { return acts_elsewhere_; }
  /// Strikes one act after the other, as far as the deed goes.
  void strike_all(const FaultLine& line);
  /// Returns false where the deed ended before the fault struck.
  [[nodiscard]] bool strike(const FaultLine& line, std::int64_t at_act, std::uint64_t seed);
  [[nodiscard]] const std::map<std::string, Toll>& tolls() const { return tolls_; }
  [[nodiscard]] const std::string& name() const { return deed_.name; }

 private:
  [[nodiscard]] DeedEnd act();
  void lose_power_again(std::int64_t at_act, std::uint64_t seed);
  void say(const std::string& problem);
  void require_message(const FaultLine& line, const DeedEnd& end);
  void check_right_after(const FaultLine& line, const DeedEnd& end);
  void check_outcome(const FaultLine& line, const DeedEnd& end);
  void do_again();
  void check_at_the_end();
  void check_events();
  void check_ledger();
  void check_sound();
  void check_copies();

  Deed deed_;
  FaultWorld world_;
  LogRows first_;
  LogRows undisturbed_;
  std::string profiles_;
  std::map<std::string, std::int64_t> acts_;
  std::int64_t acts_elsewhere_ = 0;
  std::map<std::string, Toll> tolls_;
  Toll* toll_ = nullptr;
  std::string point_;
};

/// The deeds of these tests.
[[nodiscard]] std::vector<Deed> all_deeds();
/// One of them.
[[nodiscard]] Deed deed_named(const std::string& name);

/// Prints a line for each kind of fault.
void print_table(const std::string& title, const std::map<std::string, Toll>& tolls);

}  // namespace holdfast::testing
