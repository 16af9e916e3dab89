// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_bookmarks.h"

namespace holdfast {
namespace {

constexpr const char* kSelectAll = R"sql(
SELECT name, event_id, set_by, set_at_ms FROM holdfast_bookmark ORDER BY name
)sql";

constexpr const char* kSet = R"sql(
INSERT INTO holdfast_bookmark (name, event_id, set_by, set_at_ms) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name) DO UPDATE
SET event_id = excluded.event_id, set_by = excluded.set_by, set_at_ms = excluded.set_at_ms
)sql";

constexpr const char* kDrop = R"sql(
DELETE FROM holdfast_bookmark WHERE name = ?1
)sql";

}  // namespace

std::vector<Bookmark> SqlBookmarks::all() {
  std::vector<Bookmark> bookmarks;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectAll);
    rows.with();
    while (rows.next()) {
      bookmarks.push_back({.name = rows.text(0),
                           .event_id = rows.integer(1),
                           .set_by = rows.text(2),
                           .set_at = rows.instant(3)});
    }
  }
  return bookmarks;
}

void SqlBookmarks::set(const Bookmark& bookmark) {
  RegisterQuery(home_, kSet)
      .with(bookmark.name, bookmark.event_id, bookmark.set_by, bookmark.set_at)
      .run_one("setting a bookmark");
}

bool SqlBookmarks::drop(const std::string& name) {
  return RegisterQuery(home_, kDrop).with(name).run() == 1;
}

}  // namespace holdfast
