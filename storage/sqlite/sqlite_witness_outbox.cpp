// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_witness_outbox.h"

namespace holdfast {
namespace {

constexpr const char* kAdd = R"sql(
INSERT INTO holdfast_witness (seq, at_ms, kind, line, hash) VALUES (?1, ?2, ?3, ?4, ?5)
)sql";

constexpr const char* kReplaceText = R"sql(
UPDATE holdfast_witness SET line = ?2 WHERE seq = ?1
)sql";

constexpr const char* kSelectLast = R"sql(
SELECT seq, at_ms, kind, line, hash FROM holdfast_witness ORDER BY seq DESC LIMIT 1
)sql";

constexpr const char* kSelectOne = R"sql(
SELECT seq, at_ms, kind, line, hash FROM holdfast_witness WHERE seq = ?1
)sql";

constexpr const char* kSelectSince = R"sql(
SELECT seq, at_ms, kind, line, hash FROM holdfast_witness WHERE seq > ?1 ORDER BY seq
)sql";

WitnessLine read_line(const RegisterQuery& row) {
  return {.seq = row.integer(0),
          .at = row.instant(1),
          .kind = row.text(2),
          .line = row.text(3),
          .hash = row.text(4)};
}

template <typename... Values>
std::vector<WitnessLine> read_lines(const RegisterHome& home,
                                    const char* sql,
                                    const Values&... values) {
  std::vector<WitnessLine> lines;
  if (home.set_up) {
    RegisterQuery rows(home, sql);
    rows.with(values...);
    while (rows.next()) {
      lines.push_back(read_line(rows));
    }
  }
  return lines;
}

std::optional<WitnessLine> first_of(std::vector<WitnessLine> lines) {
  return lines.empty() ? std::nullopt : std::optional{std::move(lines.front())};
}

}  // namespace

void SqliteWitnessOutbox::add(const WitnessLine& line) {
  RegisterQuery(home_, kAdd)
      .with(line.seq, line.at, line.kind, line.line, line.hash)
      .run_one("a line for the witness file");
}

void SqliteWitnessOutbox::replace_text(std::int64_t seq, const std::string& line) {
  RegisterQuery(home_, kReplaceText).with(seq, line).run_one("other text for a witness line");
}

std::optional<WitnessLine> SqliteWitnessOutbox::last() {
  return first_of(read_lines(home_, kSelectLast));
}

std::optional<WitnessLine> SqliteWitnessOutbox::find(std::int64_t seq) {
  return first_of(read_lines(home_, kSelectOne, seq));
}

std::vector<WitnessLine> SqliteWitnessOutbox::since(std::int64_t seq) {
  return read_lines(home_, kSelectSince, seq);
}

}  // namespace holdfast
