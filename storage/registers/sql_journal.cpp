// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_journal.h"

namespace holdfast {
namespace {

constexpr const char* kAdd = R"sql(
INSERT INTO holdfast_journal (at_ms, who, what, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5)
)sql";

constexpr const char* kSelectSince = R"sql(
SELECT id, at_ms, who, what, reason, detail FROM holdfast_journal WHERE id > ?1 ORDER BY id
)sql";

}  // namespace

void SqlJournal::add(const JournalEntry& entry) {
  RegisterQuery(home_, kAdd)
      .with(entry.by.at, entry.by.who, entry.what, entry.by.reason, entry.detail)
      .run_one("a line of the journal");
}

std::vector<JournalEntry> SqlJournal::since(std::int64_t id) {
  std::vector<JournalEntry> entries;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectSince);
    rows.with(id);
    while (rows.next()) {
      entries.push_back({.id = rows.integer(0),
                         .by = {.who = rows.text(2), .at = rows.instant(1), .reason = rows.text(4)},
                         .what = rows.text(3),
                         .detail = rows.text(5)});
    }
  }
  return entries;
}

}  // namespace holdfast
