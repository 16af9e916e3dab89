// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_witness_outbox.h"

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

}  // namespace

SqlWitnessOutbox::SqlWitnessOutbox(const RegisterHome& home)
    : home_(home), add_(home, kAdd), last_(home, kSelectLast), find_(home, kSelectOne) {}

void SqlWitnessOutbox::add(const WitnessLine& line) {
  add_.with(line.seq, line.at, line.kind, line.line, line.hash)
      .run_one("a line for the witness file");
}

void SqlWitnessOutbox::replace_text(std::int64_t seq, const std::string& line) {
  RegisterQuery(home_, kReplaceText).with(seq, line).run_one("other text for a witness line");
}

std::optional<WitnessLine> SqlWitnessOutbox::last() {
  if (!home_.set_up) {
    return std::nullopt;
  }
  const QueryUse use{last_};
  return last_.with().next() ? std::optional{read_line(last_)} : std::nullopt;
}

std::optional<WitnessLine> SqlWitnessOutbox::find(std::int64_t seq) {
  if (!home_.set_up) {
    return std::nullopt;
  }
  const QueryUse use{find_};
  return find_.with(seq).next() ? std::optional{read_line(find_)} : std::nullopt;
}

void SqlWitnessOutbox::for_each(std::int64_t after,
                                const std::function<void(WitnessLine&&)>& visit) {
  if (!home_.set_up) {
    return;
  }
  RegisterQuery rows(home_, kSelectSince, RegisterRows::many);
  rows.with(after);
  while (rows.next()) {
    visit(read_line(rows));
  }
}

std::vector<WitnessLine> SqlWitnessOutbox::since(std::int64_t seq) {
  std::vector<WitnessLine> lines;
  for_each(seq, [&lines](WitnessLine&& line) { lines.push_back(std::move(line)); });
  return lines;
}

}  // namespace holdfast
