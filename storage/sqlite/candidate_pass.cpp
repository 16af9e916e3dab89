// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/candidate_pass.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "policy/row_key.h"
#include "storage/sqlite/row_reader.h"
#include "storage/storage_error.h"
#include "storage/time_bounds.h"

namespace holdfast {
namespace {

/// A statement with its values in the order of its question marks.
struct BoundQuery {
  std::string sql;
  std::vector<StoredView> values;

  void add(const std::string& clause, const StoredView& value) {
    sql += clause;
    values.push_back(value);
  }
  void bind_to(Statement& statement) const {
    int index = 1;
    for (const StoredView& value : values) {
      statement.bind(index++, value);
    }
  }
};

/// What typeof() calls them, in the order of StoredView.
constexpr std::array<std::string_view, 5> kStorageClasses{
    "null", "integer", "real", "text", "blob"};

std::string_view storage_class(const StoredView& value) {
  return kStorageClasses.at(value.index());
}

/// Numbers are alike where they may be one time to SQLite: 1 and 1.0 are, and some that only look
/// so to a double. A piece then ends a little later.
bool may_be_same_time(const StoredView& left, const StoredView& right) {
  const auto number = [](const StoredView& value) -> std::optional<double> {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      return static_cast<double>(*integer);
    }
    const auto* real = std::get_if<double>(&value);
    return real == nullptr ? std::nullopt : std::optional{*real};
  };
  const auto left_number = number(left);
  const auto right_number = number(right);
  return left_number && right_number ? *left_number == *right_number : left == right;
}

/// A value that outlives its row.
class KeptValue {
 public:
  KeptValue() = default;
  explicit KeptValue(const StoredView& value) { append_canonical(bytes_, value); }
  [[nodiscard]] StoredView view() const {
    const auto values = split_canonical(bytes_);
    return values && !values->empty() ? values->front() : StoredView{};
  }

 private:
  std::string bytes_;
};

/// The three parts in which the candidates of one code come. NULL sorts below all numbers, text and
/// blobs above them.
enum class Part { no_time, below, above };

class CandidatePass {
 public:
  CandidatePass(Connection& connection,
                const LogLayout& layout,
                const CandidateRange& range,
                std::optional<std::int64_t> up_to,
                std::string columns)
      : connection_(connection),
        layout_(layout),
        stored_code_(range.stored_code),
        bounds_(time_bounds(range, layout.time_format)),
        up_to_(layout.rowid_alias ? up_to : std::nullopt),
        columns_(std::move(columns)) {}

  /// The times that are no candidates lie between the bounds: numbers, because text and blobs sort
  /// above every number.
  void find_span(const SpanVisit& visit) {
    const std::optional<KeptValue> first = edge_time("ASC");
    const std::optional<KeptValue> last = first ? edge_time("DESC") : std::nullopt;
    if (first && last) {
      visit({.first = first->view(), .last = last->view()});
    }
  }

  /// Pieces end between two different times, so that the next one can begin at a time.
  void run(Part part, const StatementVisit& visit) {
    std::optional<KeptValue> from;
    do {
      auto next = read_piece(query_for(part, from), visit);
      if (next && from && may_be_same_time(next->view(), from->view())) {
        throw StorageError(StorageTrouble::corrupt,
                           connection_.path() + ": index " + layout_.code_time_index +
                               ": reading does not get past a time: the file is damaged, run "
                               "\"PRAGMA integrity_check\" and restore a backup");
      }
      from = std::move(next);
    } while (from);
  }

 private:
  /// The rows of the code, whatever their time.
  [[nodiscard]] BoundQuery query_of(const std::string& columns) const {
    BoundQuery query{.sql = "SELECT " + columns + " FROM " + layout_.table + " INDEXED BY " +
                            layout_.code_time_index};
    query.add(" WHERE " + layout_.raw_code + " IS ?", stored_code_);
    // 1 and 1.0 are equal to SQLite, and yet two codes.
    query.add(" AND typeof(" + layout_.raw_code + ") = ?", storage_class(stored_code_));
    if (up_to_) {
      query.add(" AND " + layout_.key_columns.front() + " <= ?", *up_to_);
    }
    return query;
  }

  [[nodiscard]] std::optional<KeptValue> edge_time(const char* order) {
    BoundQuery query = query_of(layout_.time);
    query.add(" AND " + layout_.time + " >= ?", bounds_.below);
    query.add(" AND " + layout_.time + " <= ?", bounds_.above);
    query.sql += " ORDER BY " + layout_.time + " " + order + " LIMIT 1";
    Statement row{connection_.db(), query.sql};
    query.bind_to(row);
    return row.step() ? std::optional{KeptValue{row.column(0)}} : std::nullopt;
  }

  [[nodiscard]] BoundQuery query_for(Part part, const std::optional<KeptValue>& from) const {
    const std::string& time = layout_.time;
    BoundQuery query = query_of(columns_);
    // A plus sign keeps a comparison out of the choice of the range to read.
    switch (part) {
      case Part::no_time:
        query.sql += " AND " + time + " IS NULL";
        break;
      case Part::below:
        query.add(" AND " + time + " < ?", bounds_.below);
        break;
      case Part::above:
        query.add(from ? " AND +" + time + " > ?" : " AND " + time + " > ?", bounds_.above);
        query.add(" AND +" + time + " >= ?", bounds_.below);
        break;
    }
    if (from) {
      query.add(" AND " + time + " >= ?", from->view());
    }
    query.sql += " ORDER BY " + time;
    return query;
  }

  /// The first time that was not read any more; none at the end.
  [[nodiscard]] std::optional<KeptValue> read_piece(const BoundQuery& query,
                                                    const StatementVisit& visit) {
    Statement rows{connection_.db(), query.sql};
    query.bind_to(rows);
    const int time_column = static_cast<int>(layout_.key_columns.size());
    const auto end = std::chrono::steady_clock::now() + kLongestPiece / 2;
    std::optional<KeptValue> last;
    while (rows.step()) {
      const StoredView time = rows.column(time_column);
      if (last && !may_be_same_time(last->view(), time)) {
        return KeptValue{time};
      }
      visit(rows);
      if (!connection_.wal() && !last && std::chrono::steady_clock::now() >= end) {
        last = KeptValue{time};
      }
    }
    return std::nullopt;
  }

  Connection& connection_;
  const LogLayout& layout_;
  StoredView stored_code_;
  TimeBounds bounds_;
  std::optional<std::int64_t> up_to_;
  std::string columns_;  // the key, then the time, then whatever else is wanted
};

void pass_with(CandidatePass pass, const StatementVisit& visit) {
  for (const Part part : {Part::no_time, Part::below, Part::above}) {
    pass.run(part, visit);
  }
}

}  // namespace

void pass_candidates(Connection& connection,
                     const LogLayout& layout,
                     const CandidateRange& range,
                     std::optional<std::int64_t> up_to,
                     const StatementVisit& visit) {
  pass_with({connection, layout, range, up_to, RowReader::columns(layout)}, visit);
}

void pass_candidate_keys(Connection& connection,
                         const LogLayout& layout,
                         const CandidateRange& range,
                         std::optional<std::int64_t> up_to,
                         const StatementVisit& visit) {
  const std::string columns = RowReader::key_columns(layout) + ", " + layout.time;
  pass_with({connection, layout, range, up_to, columns}, visit);
}

void span_between_candidates(Connection& connection,
                             const LogLayout& layout,
                             const CandidateRange& range,
                             std::optional<std::int64_t> up_to,
                             const SpanVisit& visit) {
  CandidatePass{connection, layout, range, up_to, layout.time}.find_span(visit);
}

}  // namespace holdfast
