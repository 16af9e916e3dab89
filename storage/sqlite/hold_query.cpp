// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/hold_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include <sqlite3.h>

#include "policy/event_time.h"
#include "storage/sqlite/deletion_watch.h"
#include "storage/sqlite/row_reader.h"
#include "storage/sqlite/statement.h"
#include "storage/sqlite/table_facts.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

// Making these tables known takes more than reading, so it is done before anything is forbidden.
constexpr const char* kKnowJson = "SELECT 1 FROM json_each('[]'), json_tree('[]')";

constexpr const char* kSubject = ":subject";
constexpr const char* kTenant = ":tenant";
// Virtual machine steps between two looks at the clock: far below a millisecond.
constexpr int kStepsPerLook = 1000;
// More holds on one person than anybody could read: the query forgot its WHERE.
constexpr std::size_t kMostHolds = 10'000;

[[noreturn]] void refuse(const Connection& connection, const std::string& what) {
  throw StorageError(StorageTrouble::mapping,
                     connection.path() + ": the hold query " + what +
                         ": write one SELECT that only reads and gives the columns id, and where "
                         "there are, basis, locked and review_by");
}

bool only_reads(int action, const char* function) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return true;
    case SQLITE_FUNCTION:
      return function != nullptr && !same_name(function, "load_extension");
    default:
      return false;
  }
}

/// Lets nothing but reads be prepared on a connection for as long as it lives.
class ReadsOnly {
 public:
  explicit ReadsOnly(SQLite::Database& db) : handle_(db.getHandle()) {
    (void)db.tryExec(kKnowJson);  // fails where SQLite lacks JSON, and so will the query
    sqlite3_set_authorizer(handle_, &ReadsOnly::answer, nullptr);
  }
  ReadsOnly(const ReadsOnly&) = delete;
  ReadsOnly& operator=(const ReadsOnly&) = delete;
  ReadsOnly(ReadsOnly&&) = delete;
  ReadsOnly& operator=(ReadsOnly&&) = delete;
  ~ReadsOnly() { empty_row_by_row(handle_); }

 private:
  // NOLINTNEXTLINE(readability-function-size): the parameters are SQLite's.
  static int answer(void* /*self*/,
                    int action,
                    const char* /*first*/,
                    const char* second,
                    const char* /*database*/,
                    const char* /*origin*/) {
    return only_reads(action, second) ? SQLITE_OK : SQLITE_DENY;
  }

  sqlite3* handle_;
};

/// Stops whatever runs on a connection after a while, for as long as it lives.
class TimeLimit {
 public:
  TimeLimit(SQLite::Database& db, std::chrono::milliseconds limit)
      : handle_(db.getHandle()),
        busy_before_(db.execAndGet("PRAGMA busy_timeout").getInt()),
        end_(std::chrono::steady_clock::now() + limit) {
    sqlite3_busy_timeout(handle_,
                         static_cast<int>(std::min<std::int64_t>(busy_before_, limit.count())));
    sqlite3_progress_handler(handle_, kStepsPerLook, &TimeLimit::look, this);
  }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  TimeLimit(TimeLimit&&) = delete;
  TimeLimit& operator=(TimeLimit&&) = delete;
  ~TimeLimit() {
    sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
    sqlite3_busy_timeout(handle_, busy_before_);
  }

  [[nodiscard]] bool over() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  static int look(void* self) { return static_cast<TimeLimit*>(self)->over() ? 1 : 0; }

  sqlite3* handle_;
  int busy_before_;
  std::chrono::steady_clock::time_point end_;
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

/// Takes the first statement off the text; none where only spaces and comments are left.
Prepared prepare_next(Connection& connection, std::string_view& sql) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int result = sqlite3_prepare_v3(
      connection.db().getHandle(), sql.data(), static_cast<int>(sql.size()), 0, &statement, &tail);
  Prepared prepared{statement};
  if (result != SQLITE_OK) {
    refuse(connection,
           std::string{"cannot be run ("} + sqlite3_errmsg(connection.db().getHandle()) + ")");
  }
  sql.remove_prefix(static_cast<std::size_t>(tail - sql.data()));
  return prepared;
}

std::optional<int> find_column(sqlite3_stmt* query, const char* wanted) {
  for (int i = 0; i < sqlite3_column_count(query); ++i) {
    const char* const name = sqlite3_column_name(query, i);
    if (name != nullptr && same_name(name, wanted)) {
      return i;
    }
  }
  return std::nullopt;
}

void require_parameters(const Connection& connection, sqlite3_stmt* query) {
  for (int i = 1; i <= sqlite3_bind_parameter_count(query); ++i) {
    const char* const name = sqlite3_bind_parameter_name(query, i);
    const std::string_view word = name == nullptr ? "?" : name;
    if (word != kSubject && word != kTenant) {
      refuse(connection,
             "has the parameter " + std::string{word} + ", and only " + kSubject + " and " +
                 kTenant + " are bound");
    }
  }
}

/// The query of the text, checked. Only while ReadsOnly stands in front of the connection.
Prepared prepare_query(Connection& connection, const std::string& sql) {
  if (sql.find('\0') != std::string::npos) {
    refuse(connection, "has a zero byte in it");
  }
  std::string_view rest = sql;
  Prepared query = prepare_next(connection, rest);
  if (!query) {
    refuse(connection, "is empty");
  }
  while (!rest.empty()) {
    if (prepare_next(connection, rest)) {
      refuse(connection, "has a second statement");
    }
  }
  if (sqlite3_stmt_readonly(query.get()) == 0 || sqlite3_stmt_isexplain(query.get()) != 0) {
    refuse(connection, "is not a query that only reads");
  }
  if (!find_column(query.get(), "id")) {
    refuse(connection, "has no column \"id\"");
  }
  require_parameters(connection, query.get());
  return query;
}

/// A number where the text is exactly what one looks like.
std::optional<std::int64_t> number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = problem == std::errc{} && end == text.data() + text.size();
  return whole && std::to_string(number) == text ? std::optional{number} : std::nullopt;
}

/// Who is asked about, as text or as the number that the text is: a column without a type, and an
/// expression, tell the two apart, and the log and the modules' tables are not read so.
struct Asked {
  const std::string& text;
  bool as_number = false;
};

void bind_asked(sqlite3_stmt* query, const char* name, const Asked& asked) {
  const int index = sqlite3_bind_parameter_index(query, name);
  if (index > 0 && asked.as_number) {
    sqlite3_bind_int64(query, index, number_of(asked.text).value_or(0));
  } else if (index > 0) {
    // The text outlives the query: nothing has to be copied.
    sqlite3_bind_text64(query, index, asked.text.c_str(), asked.text.size(), nullptr, SQLITE_UTF8);
  }
}

StoredView value_of(sqlite3_stmt* query, std::optional<int> column) {
  if (!column) {
    return {};
  }
  const auto size = [&] {
    return static_cast<std::size_t>(sqlite3_column_bytes(query, *column));
  };
  switch (sqlite3_column_type(query, *column)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(query, *column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(query, *column);
    case SQLITE_TEXT: {
      const void* const text = sqlite3_column_text(query, *column);
      return text == nullptr ? StoredView{std::string_view{}}
                             : StoredView{std::string_view{static_cast<const char*>(text), size()}};
    }
    case SQLITE_BLOB: {
      const void* const bytes = sqlite3_column_blob(query, *column);
      return bytes == nullptr ? StoredView{BlobView{}}
                              : StoredView{BlobView{{static_cast<const char*>(bytes), size()}}};
    }
    default:
      return std::monostate{};
  }
}

std::string text_of(const StoredView& value) {
  TextForm form;
  return std::string{form.of(value).value_or("")};
}

/// Only a plain no is a no.
bool is_locked(const StoredView& value) {
  return !std::holds_alternative<std::monostate>(value) && value != StoredView{std::int64_t{0}} &&
         value != StoredView{0.0};
}

/// UTC milliseconds, RFC 3339, a day, or SQLite's own "YYYY-MM-DD hh:mm:ss".
std::optional<Instant> review_of(const StoredView& value) {
  if (const auto* const text = std::get_if<std::string_view>(&value)) {
    const auto instant = parse_rfc3339(*text);
    return instant ? std::optional{*instant} : parse_event_time(value, TimeFormat::utc_text);
  }
  return parse_event_time(value, TimeFormat::unix_ms);
}

/// Where the columns of a hold stand in the query.
struct HoldColumns {
  std::optional<int> id;
  std::optional<int> basis;
  std::optional<int> locked;
  std::optional<int> review_by;
};

ReportedHold read_hold(const Connection& connection, sqlite3_stmt* row, const HoldColumns& at) {
  const StoredView id = value_of(row, at.id);
  if (std::holds_alternative<std::monostate>(id)) {
    refuse(connection, "gives a line whose id is NULL, which could be any hold");
  }
  return {.id = text_of(id),
          .basis = text_of(value_of(row, at.basis)),
          .locked = is_locked(value_of(row, at.locked)),
          .review_by = review_of(value_of(row, at.review_by))};
}

bool in_transaction(Connection& connection) {
  return sqlite3_get_autocommit(connection.db().getHandle()) == 0;
}

[[noreturn]] void fail(Connection& connection, int result, std::chrono::milliseconds limit) {
  if (result % 256 == SQLITE_INTERRUPT) {
    throw StorageError(StorageTrouble::other,
                       connection.path() + ": the hold query did not answer within " +
                           std::to_string(limit.count()) +
                           " ms: give it an index, or raise the module's time limit");
  }
  if (result % 256 == SQLITE_AUTH) {
    refuse(connection, "tried more than to read");
  }
  throw as_storage_error(SQLite::Exception(connection.db().getHandle(), result), connection.path());
}

/// Adds the holds of one way to ask that no other way has given. Returns SQLite's last word.
int add_holds(const Connection& connection,
              sqlite3_stmt* query,
              const TimeLimit& time,
              std::vector<ReportedHold>& holds) {
  const HoldColumns at{.id = find_column(query, "id"),
                       .basis = find_column(query, "basis"),
                       .locked = find_column(query, "locked"),
                       .review_by = find_column(query, "review_by")};
  int result = sqlite3_step(query);
  for (; result == SQLITE_ROW; result = sqlite3_step(query)) {
    ReportedHold hold = read_hold(connection, query, at);
    if (std::find(holds.begin(), holds.end(), hold) == holds.end()) {
      holds.push_back(std::move(hold));
    }
    if (holds.size() > kMostHolds || time.over()) {
      return holds.size() > kMostHolds ? SQLITE_TOOBIG : SQLITE_INTERRUPT;
    }
  }
  return result;
}

}  // namespace

void check_hold_query(Connection& connection, const std::string& sql) {
  const ReadsOnly guard{connection.db()};
  (void)prepare_query(connection, sql);
}

std::vector<ReportedHold> run_hold_query(Connection& connection,
                                         const std::string& sql,
                                         const Subject& subject,
                                         std::chrono::milliseconds limit) {
  const bool in_write = in_transaction(connection);
  const std::string tenant = subject.tenant.value_or("");
  const TimeLimit time{connection.db(), limit};
  const ReadsOnly guard{connection.db()};
  const Prepared query = prepare_query(connection, sql);
  std::vector<ReportedHold> holds;
  int result = SQLITE_DONE;
  for (const bool person_as_number : {false, true}) {
    for (const bool tenant_as_number : {false, true}) {
      if (result != SQLITE_DONE || (person_as_number && !number_of(subject.person)) ||
          (tenant_as_number && !number_of(tenant))) {
        continue;
      }
      sqlite3_reset(query.get());
      bind_asked(query.get(), kSubject, {subject.person, person_as_number});
      bind_asked(query.get(), kTenant, {tenant, tenant_as_number});
      result = add_holds(connection, query.get(), time, holds);
    }
  }
  if (in_write && !in_transaction(connection)) {
    throw StorageError(StorageTrouble::other,
                       connection.path() +
                           ": the hold query ran out of memory or room, and SQLite took the whole "
                           "step back: nothing of it is kept; mend the query, then run again");
  }
  if (holds.size() > kMostHolds) {
    refuse(connection, "gives more than " + std::to_string(kMostHolds) + " holds for one subject");
  }
  if (result != SQLITE_DONE) {
    fail(connection, result, limit);
  }
  return holds;
}

}  // namespace holdfast
