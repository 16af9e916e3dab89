// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_statement.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>

namespace holdfast {
namespace {

// The server's fixed numbers of its own types (pg_type.dat).
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kOid = 26;
constexpr Oid kFloat4 = 700;
constexpr Oid kFloat8 = 701;

// Large enough that an exchange with the server costs little beside its rows, small enough that
// wide rows do not fill the memory.
constexpr const char* kFetchRows = "2000";
// After so many rows what has come meanwhile is taken in: it is more than fits on the way.
constexpr int kRowsPerTakeIn = 64;

constexpr std::string_view kHexDigits = "0123456789abcdef";

struct AsText {
  std::optional<std::string> operator()(std::monostate /*nothing*/) const { return std::nullopt; }
  std::optional<std::string> operator()(std::int64_t number) const {
    return std::to_string(number);
  }
  std::optional<std::string> operator()(double number) const {
    if (std::isnan(number)) {
      return "NaN";
    }
    if (std::isinf(number)) {
      return number > 0 ? "Infinity" : "-Infinity";
    }
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return std::string{digits.data(), end.ptr};
  }
  std::optional<std::string> operator()(std::string_view text) const {
    if (text.find('\0') != std::string_view::npos) {
      throw StorageError(StorageTrouble::other,
                         "a text has a NUL in it, which PostgreSQL cannot store: nothing was "
                         "changed");
    }
    return std::string{text};
  }
  std::optional<std::string> operator()(const BlobView& blob) const {
    std::string out(2 + 2 * blob.bytes.size(), '\\');
    out[1] = 'x';
    std::size_t at = 2;
    for (const char letter : blob.bytes) {
      const auto code = static_cast<unsigned char>(letter);
      out[at++] = kHexDigits[code >> 4U];
      out[at++] = kHexDigits[code & 0x0FU];
    }
    return out;
  }
};

constexpr unsigned char kNoDigit = 0xFF;

/// What each byte stands for as a hex digit.
constexpr auto kHalfBytes = [] {
  std::array<unsigned char, 256> halves{};
  halves.fill(kNoDigit);
  for (std::size_t value = 0; value < kHexDigits.size(); ++value) {
    halves[static_cast<unsigned char>(kHexDigits[value])] = static_cast<unsigned char>(value);
  }
  return halves;
}();

std::string decoded(std::string_view hex) {
  if (hex.substr(0, 2) != "\\x" || hex.size() % 2 != 0) {
    throw StorageError(StorageTrouble::other, "the server sent bytes in another form than hex");
  }
  hex.remove_prefix(2);
  std::string out(hex.size() / 2, '\0');
  unsigned int wrong = 0;
  for (std::size_t at = 0; at < out.size(); ++at) {
    const unsigned int upper = kHalfBytes[static_cast<unsigned char>(hex[2 * at])];
    const unsigned int lower = kHalfBytes[static_cast<unsigned char>(hex[2 * at + 1])];
    wrong |= (upper | lower) & 0xF0U;
    out[at] = static_cast<char>((upper << 4U) | lower);
  }
  if (wrong != 0) {
    throw StorageError(StorageTrouble::other, "the server sent bytes that are no hex digits");
  }
  return out;
}

template <typename Number>
Number number_of(std::string_view text) {
  Number number{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) {
    throw StorageError(StorageTrouble::other,
                       "the server sent a number that cannot be read: " + std::string{text});
  }
  return number;
}

/// A float4 is read as such first: its text is the shortest that gives the same float4 back.
double real_of(std::string_view text, Oid type) {
  return type == kFloat4 ? static_cast<double>(number_of<float>(text)) : number_of<double>(text);
}

/// The highest $n of a statement: the server wants exactly so many values. In quotes it is a part
/// of a name or a text.
std::size_t highest_parameter(std::string_view sql) {
  std::size_t highest = 0;
  char quote = '\0';
  for (std::size_t at = 0; at < sql.size(); ++at) {
    const char letter = sql[at];
    if (quote != '\0') {
      quote = letter == quote ? '\0' : quote;
    } else if (letter == '\'' || letter == '"') {
      quote = letter;
    } else if (letter == '$') {
      std::size_t number = 0;
      (void)std::from_chars(sql.data() + at + 1, sql.data() + sql.size(), number);
      highest = std::max(highest, number);
    }
  }
  return highest;
}

std::string new_cursor_name() {
  static std::atomic<std::uint64_t> last{0};
  return "holdfast_cursor_" + std::to_string(++last);
}

}  // namespace

std::optional<std::string> postgres_text_of(const StoredView& value) {
  return std::visit(AsText{}, value);
}

PostgresStatement::PostgresStatement(PostgresConnection& connection,
                                     std::string sql,
                                     PostgresRows rows)
    : connection_(connection), sql_(std::move(sql)), rows_(rows), values_(highest_parameter(sql_)) {
  if (rows_ == PostgresRows::at_once) {
    (void)connection_.prepared(sql_);
  }
}

void PostgresStatement::bind(int index, const StoredView& value) {
  values_.at(static_cast<std::size_t>(index - 1)) = postgres_text_of(value);
}

void PostgresStatement::bind_integers(int index, const std::vector<std::int64_t>& values) {
  std::string out = "{";
  for (const std::int64_t value : values) {
    out += out.size() == 1 ? "" : ",";
    out += std::to_string(value);
  }
  bind_text(index, out + "}");
}

void PostgresStatement::bind_text(int index, std::string text) {
  values_.at(static_cast<std::size_t>(index - 1)) = std::move(text);
}

std::vector<const char*> PostgresStatement::values() const {
  std::vector<const char*> values;
  values.reserve(values_.size());
  for (const std::optional<std::string>& value : values_) {
    values.push_back(value ? value->c_str() : nullptr);
  }
  return values;
}

PostgresResult PostgresStatement::run_prepared() {
  if (sent_) {
    return connection_.answer(*std::exchange(sent_, nullptr));
  }
  const std::vector<const char*> values = this->values();
  const int count = static_cast<int>(values.size());
  const std::string name = rows_ == PostgresRows::by_cursor ? "" : connection_.prepared(sql_);
  if (rows_ == PostgresRows::by_cursor) {
    const std::string declare = "DECLARE " + cursor_ + " NO SCROLL CURSOR FOR " + sql_;
    return connection_.sound(PQexecParams(
        connection_.handle(), declare.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0));
  }
  return connection_.sound(PQexecPrepared(
      connection_.handle(), name.c_str(), count, values.data(), nullptr, nullptr, 0));
}

void PostgresStatement::send() {
  sent_ = connection_.send(connection_.prepared(sql_), values());
}

void PostgresStatement::open_cursor() {
  if (!connection_.in_transaction()) {
    connection_.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    own_transaction_ = true;
  }
  cursor_ = new_cursor_name();
  try {
    (void)run_prepared();
  } catch (...) {
    cursor_.clear();
    throw;
  }
}

/// The next rows are on their way while these are worked on.
void PostgresStatement::fetch() {
  const std::string next = "FETCH " + std::string{kFetchRows} + " FROM " + cursor_;
  const auto sent = sent_ ? std::exchange(sent_, nullptr) : connection_.send(next);
  take(connection_.answer(*sent));
  last_ = PQntuples(result_.get()) == 0;
  if (!last_) {
    sent_ = connection_.send(next);
  }
}

void PostgresStatement::take(PostgresResult result) {
  result_ = std::move(result);
  row_ = -1;
  bytes_.assign(static_cast<std::size_t>(PQnfields(result_.get())), {});
}

bool PostgresStatement::step() {
  if (!running_) {
    running_ = true;
    if (rows_ == PostgresRows::by_cursor) {
      open_cursor();
      fetch();
    } else {
      take(run_prepared());
      last_ = true;
      const std::string_view count = PQcmdTuples(result_.get());
      changed_ = count.empty() ? 0 : number_of<std::int64_t>(count);
    }
  }
  ++row_;
  if (row_ % kRowsPerTakeIn == 0) {
    connection_.take_in();
  }
  if (row_ >= PQntuples(result_.get()) && !last_) {
    fetch();
    row_ = 0;
  }
  return row_ < PQntuples(result_.get());
}

std::int64_t PostgresStatement::run() {
  const PostgresUse use{*this};
  while (step()) {
    // What RETURNING gives is not asked for here.
  }
  return changed_;
}

void PostgresStatement::reset() noexcept {
  if (sent_) {
    connection_.hear_out();
    sent_.reset();
  }
  result_.reset();
  running_ = false;
  row_ = -1;
  last_ = true;
  if (own_transaction_) {
    connection_.end_reading();
  } else if (!cursor_.empty() && PQtransactionStatus(connection_.handle()) == PQTRANS_INTRANS) {
    PQclear(PQexec(connection_.handle(), ("CLOSE " + cursor_).c_str()));
  }
  own_transaction_ = false;
  cursor_.clear();
}

StoredView PostgresStatement::column(int index) const {
  const pg_result* const result = result_.get();
  if (PQgetisnull(result, row_, index) != 0) {
    return std::monostate{};
  }
  const std::string_view text{PQgetvalue(result, row_, index),
                              static_cast<std::size_t>(PQgetlength(result, row_, index))};
  const Oid type = PQftype(result, index);
  switch (type) {
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid:
      return number_of<std::int64_t>(text);
    case kFloat4:
    case kFloat8:
      return real_of(text, type);
    case kBytea: {
      Decoded& value = bytes_[static_cast<std::size_t>(index)];
      if (value.row != row_) {
        value = {.row = row_, .bytes = decoded(text)};
      }
      return BlobView{value.bytes};
    }
    default:
      return text;
  }
}

int PostgresStatement::columns() const {
  return PQnfields(result_.get());
}

std::uint32_t PostgresStatement::column_type(int index) const {
  return PQftype(result_.get(), index);
}

std::string text_at(const PostgresStatement& row, int column) {
  const StoredView value = row.column(column);
  const auto* const text = std::get_if<std::string_view>(&value);
  return text == nullptr ? std::string{} : std::string{*text};
}

std::int64_t integer_at(const PostgresStatement& row, int column) {
  const StoredView value = row.column(column);
  const auto* const number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? 0 : *number;
}

}  // namespace holdfast
