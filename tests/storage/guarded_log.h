// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "tests/storage/scratch_database.h"

namespace holdfast::testing {

inline constexpr Instant kLongAgo = date::sys_days{date::year{2020} / 1 / 1};
inline constexpr Instant kCutoff = date::sys_days{date::year{2025} / 1 / 1};

/// What a run tells the guards: rows of code C are due before kCutoff, in category "account".
inline GuardTerms terms_of_the_test() {
  return {.cutoffs = {{.code = "ALIAS",
                       .known_code = "C",
                       .category = "account",
                       .category_name = "Account",
                       .before = kCutoff},
                      {.code = "C",
                       .known_code = "C",
                       .category = "account",
                       .category_name = "Account",
                       .before = kCutoff}},
          .earliest = date::sys_days{date::year{2000} / 1 / 1},
          .stamps_before = kDay,
          .releases_before = kDay - std::chrono::hours{24 * 30}};
}

/// A database with guards, as another program meets it: the log that `init` makes, or one of
/// another program with another mapping.
class GuardedLog {
 public:
  GuardedLog() { open(); }
  GuardedLog(const std::string& log, LogMapping mapping) : options_(scratch_.options()) {
    run_sql(path(), log);
    options_.mapping = std::move(mapping);
    open();
  }

  [[nodiscard]] std::filesystem::path path() const { return scratch_.file("audit.db"); }
  [[nodiscard]] const OpenOptions& options() const { return options_; }
  [[nodiscard]] Database& database() { return *database_; }
  void run(const std::string& sql) { run_sql(path(), sql); }
  [[nodiscard]] std::string ask(const std::string& sql) { return ask_sql(path(), sql); }
  /// Opens the database anew, as another run would.
  void reopen() { database_ = open_sqlite(options_); }
  void tell(const GuardTerms& terms = terms_of_the_test()) {
    in_write(*database_, [&] { database_->guard().set_terms(terms); });
  }
  /// Takes the guards out with plain SQL, as whoever may write the schema can.
  void drop_guards() {
    for (const char* type : {"trigger", "view", "table"}) {
      run(ask(std::string("SELECT coalesce(group_concat('DROP ' || type || ' ' || name, ';'), '') "
                          "FROM sqlite_schema WHERE name LIKE 'holdfast_guard%' AND type = '") +
              type + "'"));
    }
    reopen();
  }
  /// What SQLite tells another program; "" where it does as it was told.
  [[nodiscard]] std::string refusal(const std::string& sql) {
    try {
      run(sql);
    } catch (const SQLite::Exception& error) {
      return error.what();
    }
    return "";
  }

 private:
  void open() {
    (void)init_sqlite(options_, "id-of-the-test", kDay, Guards::set);
    reopen();
  }

  ScratchDatabase scratch_;
  OpenOptions options_ = scratch_.options();
  std::unique_ptr<Database> database_;
};

inline std::string ms(Instant instant) {
  return std::to_string(to_unix_ms(instant));
}

}  // namespace holdfast::testing
