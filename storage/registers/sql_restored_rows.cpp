// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_restored_rows.h"

#include "storage/registers/integer_keys.h"

namespace holdfast {
namespace {

constexpr const char* kAdd = R"sql(
INSERT INTO holdfast_restored (key, run_id, restored_at_ms, who) VALUES (?1, ?2, ?3, ?4)
)sql";

constexpr const char* kDrop = R"sql(
UPDATE holdfast_restored SET gone = 1 WHERE key = ?1 AND gone = 0
)sql";

constexpr const char* kSelectAll = R"sql(
SELECT id, key, run_id, restored_at_ms, who, gone FROM holdfast_restored ORDER BY id
)sql";

}  // namespace

void SqlRestoredRows::add(const RestoredRow& row) {
  RegisterQuery(home_, kAdd)
      .with(BlobView{row.key.bytes()}, row.run, row.at, row.who)
      .run_one("a restored row");
}

void SqlRestoredRows::drop(const RowKey& key) {
  RegisterQuery(home_, kDrop).with(BlobView{key.bytes()}).run();
}

void SqlRestoredRows::for_each(const std::function<void(const RestoredRow&)>& visit) {
  if (!home_.set_up) {
    return;
  }
  RegisterQuery rows(home_, kSelectAll, RegisterRows::many);
  rows.with();
  while (rows.next()) {
    visit({.id = rows.integer(0),
           .key = key_from(rows.bytes(1)),
           .run = rows.integer(2),
           .at = rows.instant(3),
           .who = rows.text(4),
           .gone = rows.integer(5) != 0});
  }
}

}  // namespace holdfast
