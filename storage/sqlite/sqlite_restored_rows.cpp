// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_restored_rows.h"

#include "storage/sqlite/key_sets.h"

namespace holdfast {
namespace {

constexpr const char* kAdd = R"sql(
INSERT INTO holdfast_restored (key, run_id, restored_at_ms, who) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (key) DO UPDATE
SET run_id = excluded.run_id, restored_at_ms = excluded.restored_at_ms, who = excluded.who
)sql";

constexpr const char* kDrop = R"sql(
DELETE FROM holdfast_restored WHERE key = ?1
)sql";

constexpr const char* kSelectAll = R"sql(
SELECT key, run_id, restored_at_ms, who FROM holdfast_restored ORDER BY key
)sql";

}  // namespace

void SqliteRestoredRows::add(const RestoredRow& row) {
  RegisterQuery(home_, kAdd)
      .with(BlobView{row.key.bytes()}, row.run, row.at, row.who)
      .run_one("a restored row");
}

void SqliteRestoredRows::drop(const RowKey& key) {
  RegisterQuery(home_, kDrop).with(BlobView{key.bytes()}).run();
}

void SqliteRestoredRows::for_each(const std::function<void(const RestoredRow&)>& visit) {
  if (!home_.set_up) {
    return;
  }
  RegisterQuery rows(home_, kSelectAll);
  rows.with();
  while (rows.next()) {
    visit({.key = key_from(rows.bytes(0)),
           .run = rows.integer(1),
           .at = rows.instant(2),
           .who = rows.text(3)});
  }
}

}  // namespace holdfast
