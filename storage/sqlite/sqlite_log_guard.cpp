// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_log_guard.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <sqlite3.h>

#include "policy/event_time.h"
#include "policy/time_text.h"
#include "storage/registers/register_query.h"
#include "storage/sqlite/guard_objects.h"
#include "storage/sqlite/table_facts.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kPassTable = "holdfast_guard_pass";
constexpr const char* kTermsTable = "holdfast_guard_terms";
constexpr const char* kCutoffTable = "holdfast_guard_cutoff";

constexpr const char* kSelectOwnTriggers = R"sql(
SELECT name, sql FROM sqlite_schema
WHERE type = 'trigger' AND tbl_name COLLATE NOCASE IN ('holdfast_run_slice', 'holdfast_first_seen',
                                        'holdfast_restored', 'holdfast_guard_pass')
)sql";

constexpr std::array<const char*, 4> kWrittenBySlices{
    "holdfast_run_slice", "holdfast_first_seen", "holdfast_restored", "holdfast_guard_pass"};

constexpr const char* kMakePass = R"sql(
INSERT INTO holdfast_guard_pass (one, open) VALUES (1, 0)
)sql";

constexpr const char* kTakePass = R"sql(
UPDATE holdfast_guard_pass SET open = 1 WHERE one = 1
)sql";

constexpr const char* kReturnPass = R"sql(
UPDATE holdfast_guard_pass SET open = 0 WHERE one = 1
)sql";

constexpr const char* kLayDownPass = R"sql(
UPDATE holdfast_guard_pass SET open = 0 WHERE one = 1 AND open = 1
)sql";

constexpr const char* kSelectPass = R"sql(
SELECT open FROM holdfast_guard_pass WHERE one = 1
)sql";

// Below every time and stamp there can be: no stamp has passed, no grace is over.
constexpr const char* kForgetTerms = R"sql(
INSERT INTO holdfast_guard_terms (one, earliest, stamps_before, releases_before_ms, sealed_hold)
SELECT 1, ?1, ?1, ?1, coalesce(max(id), 0) FROM holdfast_hold WHERE TRUE
ON CONFLICT (one) DO UPDATE SET earliest = excluded.earliest,
  stamps_before = excluded.stamps_before, releases_before_ms = excluded.releases_before_ms,
  sealed_hold = excluded.sealed_hold
)sql";

constexpr const char* kForgetCutoffs = R"sql(
DELETE FROM holdfast_guard_cutoff
)sql";

constexpr const char* kSetTerms = R"sql(
UPDATE holdfast_guard_terms SET earliest = ?1, stamps_before = ?2, releases_before_ms = ?3
WHERE one = 1
)sql";

constexpr const char* kAddCutoff = R"sql(
INSERT INTO holdfast_guard_cutoff (code, known_code, category, category_name, before)
VALUES (?1, ?2, ?3, ?4, ?5)
)sql";

RegisterHome home_of(Connection& connection) {
  return {.connection = connection, .set_up = true};
}

/// A time in the unit of the log, rounded down or up to the next one that the column can hold.
enum class Rounding { down, up };

StoredView in_unit_of_log(Instant instant, TimeFormat format, Rounding rounding) {
  using std::chrono::microseconds;
  using std::chrono::seconds;
  const Instant inside = std::clamp(instant, kCalendarBegin, kCalendarEnd);
  switch (format) {
    case TimeFormat::unix_us:
      return microseconds{inside.time_since_epoch()}.count();
    case TimeFormat::unix_s:
      return (rounding == Rounding::down ? date::floor<seconds>(inside)
                                         : date::ceil<seconds>(inside))
          .time_since_epoch()
          .count();
    case TimeFormat::unix_real: {
      const double rounded_down = to_unix_number(inside, format).value_or(0.0);
      return rounding == Rounding::down
                 ? rounded_down
                 : std::nextafter(rounded_down, std::numeric_limits<double>::infinity());
    }
    case TimeFormat::unix_ms:
    case TimeFormat::iso8601:  // nobody compares these
    case TimeFormat::utc_text:
      break;
  }
  return to_unix_ms(inside);
}

std::string named(const GuardObject& guard) {
  return guard.type + " " + guard.name;
}

/// What is wanted against what is there, in sentences.
std::vector<std::string> differences(const std::vector<GuardObject>& wanted,
                                     const std::vector<GuardObject>& found) {
  std::vector<std::string> sentences;
  for (const GuardObject& guard : wanted) {
    const auto there = std::find_if(found.begin(), found.end(), [&](const GuardObject& object) {
      return object.name == guard.name;
    });
    if (there == found.end()) {
      sentences.push_back("the guards are not whole: the " + named(guard) + " is gone");
    } else if (there->sql != guard.sql) {
      sentences.push_back("the guards are not what this configuration needs: the " + named(guard) +
                          " has another text");
    }
  }
  for (const GuardObject& object : found) {
    const bool known = std::any_of(wanted.begin(), wanted.end(), [&](const GuardObject& guard) {
      return guard.name == object.name;
    });
    if (!known) {
      sentences.push_back("the " + named(object) + " has the name of a guard and is none");
    }
  }
  return sentences;
}

/// What slices write beside the log must have no triggers of others either.
bool has_other_triggers(Connection& connection, const std::vector<GuardObject>& guards) {
  SQLite::Statement query{connection.db(), kSelectOwnTriggers};
  while (query.executeStep()) {
    if (!is_guard(guards, query.getColumn(0).getString(), query.getColumn(1).getString())) {
      return true;
    }
  }
  return false;
}

/// SQLite leaves triggers out when it prepares a statement, and prepares all of them anew after
/// each of these turns. The schema is compared in every slice, so that none comes to be meanwhile.
class WithoutTriggers final : public GuardsAside {
 public:
  explicit WithoutTriggers(Connection& connection) : connection_(connection) { turn(0); }
  WithoutTriggers(const WithoutTriggers&) = delete;
  WithoutTriggers& operator=(const WithoutTriggers&) = delete;
  WithoutTriggers(WithoutTriggers&&) = delete;
  WithoutTriggers& operator=(WithoutTriggers&&) = delete;
  ~WithoutTriggers() override { turn(1); }

 private:
  // It cannot fail for a connection that is open.
  void turn(int on) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): SQLite's own interface.
    (void)sqlite3_db_config(
        connection_.db().getHandle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, on, nullptr);
  }

  Connection& connection_;
};

}  // namespace

bool take_pass(Connection& connection) {
  if (!has_table(connection.db(), kPassTable)) {
    return false;
  }
  RegisterQuery take(home_of(connection), kTakePass);
  if (take.with().run() != 1) {
    throw StorageError(StorageTrouble::corrupt,
                       connection.path() +
                           ": the line of holdfast_guard_pass is gone, so the guards let nobody "
                           "through: run \"holdfast init --guard\", which makes them anew");
  }
  return true;
}

void return_pass(Connection& connection) {
  RegisterQuery(home_of(connection), kReturnPass).with().run_one("giving back the guards' pass");
}

bool pass_is_lost(Connection& connection) {
  return has_table(connection.db(), kPassTable) &&
         !RegisterQuery(home_of(connection), kSelectPass).with().next();
}

bool lay_down_pass(Connection& connection) {
  return has_table(connection.db(), kPassTable) &&
         RegisterQuery(home_of(connection), kLayDownPass).with().run() == 1;
}

bool place_guards(Connection& connection, const LogLayout& layout) {
  const std::string gap = unguarded_index(connection, layout);
  if (!gap.empty()) {
    throw StorageError(
        StorageTrouble::mapping,
        connection.path() + ": " + gap + ", so none were set: drop that index first");
  }
  const std::vector<GuardObject> wanted = guard_objects(connection, layout);
  if (differences(wanted, found_guards(connection)).empty() && take_pass(connection)) {
    return_pass(connection);
    return false;
  }
  (void)remove_guards(connection);
  for (const GuardObject& guard : wanted) {
    if (guard.type != "table") {
      continue;
    }
    connection.db().exec(guard.sql);
  }
  RegisterQuery(home_of(connection), kMakePass).with().run_one("making the guards' pass");
  forget_guard_terms(connection);
  for (const GuardObject& guard : wanted) {
    if (guard.type != "table") {
      connection.db().exec(guard.sql);
    }
  }
  return true;
}

int remove_guards(Connection& connection) {
  const std::vector<GuardObject> found = found_guards(connection);
  for (const char* type : {"trigger", "view", "table"}) {
    for (const GuardObject& object : found) {
      if (object.type == type) {
        connection.db().exec("DROP " + object.type + " IF EXISTS " + quoted(object.name));
      }
    }
  }
  return static_cast<int>(found.size());
}

void forget_guard_terms(Connection& connection) {
  if (!has_table(connection.db(), kTermsTable) || !has_table(connection.db(), kCutoffTable)) {
    return;
  }
  RegisterQuery(home_of(connection), kForgetCutoffs).with().run();
  RegisterQuery(home_of(connection), kForgetTerms)
      .with(std::numeric_limits<std::int64_t>::min())
      .run_one("closing the guards");
}

bool SqliteLogGuard::present() {
  return !found_guards(connection_).empty();
}

bool SqliteLogGuard::has_terms() {
  return has_table(connection_.db(), kTermsTable) && has_table(connection_.db(), kCutoffTable);
}

std::vector<std::string> SqliteLogGuard::faults() {
  const std::vector<GuardObject> found = found_guards(connection_);
  if (found.empty() || !probed_) {
    return {};
  }
  std::vector<std::string> sentences = differences(guard_objects(connection_, layout_), found);
  const std::string gap = unguarded_index(connection_, layout_);
  if (!gap.empty()) {
    sentences.push_back(gap);
  }
  if (has_table(connection_.db(), kPassTable)) {
    RegisterQuery pass(home_of(connection_), kSelectPass);
    if (!pass.with().next()) {
      sentences.emplace_back("the line of holdfast_guard_pass is gone");
    } else if (pass.integer(0) != 0) {
      sentences.emplace_back(
          "somebody has taken the guards' pass and left it so, and nothing is guarded; the next "
          "run gives it back");
    }
  }
  return sentences;
}

std::unique_ptr<GuardsAside> SqliteLogGuard::step_aside() {
  const bool only_guards = present() && faults().empty() && !layout_.shape.deletes_fire_triggers &&
                           !has_other_triggers(connection_, guard_objects(connection_, layout_));
  return only_guards ? std::make_unique<WithoutTriggers>(connection_) : nullptr;
}

bool SqliteLogGuard::slices_run_others() {
  const auto is_referred_to = [this](const char* table) {
    return find_referring_column(connection_.db(), table).has_value();
  };
  return has_other_triggers(connection_, guard_objects(connection_, layout_)) ||
         std::any_of(kWrittenBySlices.begin(), kWrittenBySlices.end(), is_referred_to);
}

void SqliteLogGuard::forget_terms() {
  forget_guard_terms(connection_);
}

void SqliteLogGuard::set_terms(const GuardTerms& terms) {
  if (!has_terms()) {
    return;
  }
  forget_guard_terms(connection_);
  const TimeFormat format = layout_.time_format;
  RegisterQuery(home_of(connection_), kSetTerms)
      .with(in_unit_of_log(terms.earliest, format, Rounding::up),
            in_unit_of_log(terms.stamps_before, format, Rounding::down),
            terms.releases_before)
      .run_one("the terms of the guards");
  RegisterQuery add(home_of(connection_), kAddCutoff);
  for (const GuardCutoff& cutoff : terms.cutoffs) {
    add.with(cutoff.code,
             cutoff.known_code,
             cutoff.category,
             cutoff.category_name,
             in_unit_of_log(cutoff.before, format, Rounding::down))
        .run_one("a cut-off of the guards");
  }
}

}  // namespace holdfast
