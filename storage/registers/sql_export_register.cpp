// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_export_register.h"

#include <algorithm>
#include <string>

#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kOpen = R"sql(
INSERT INTO holdfast_export
      (tenant, subject, state, requested_by, requested_at_ms, made_by, made_at_ms, expires_at_ms,
       file, bytes, sha256, rows_exported, downloads, downloaded_at_ms, ended_by, ended_at_ms,
       end_reason)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
RETURNING id
)sql";

constexpr const char* kStore = R"sql(
UPDATE holdfast_export
SET tenant = ?2, subject = ?3, state = ?4, requested_by = ?5, requested_at_ms = ?6, made_by = ?7,
    made_at_ms = ?8, expires_at_ms = ?9, file = ?10, bytes = ?11, sha256 = ?12,
    rows_exported = ?13, downloads = ?14, downloaded_at_ms = ?15, ended_by = ?16,
    ended_at_ms = ?17, end_reason = ?18
WHERE id = ?1
)sql";

constexpr const char* kSelectOne = R"sql(
SELECT id, tenant, subject, state, requested_by, requested_at_ms, made_by, made_at_ms,
       expires_at_ms, file, bytes, sha256, rows_exported, downloads, downloaded_at_ms, ended_by,
       ended_at_ms, end_reason
FROM holdfast_export WHERE id = ?1
)sql";

constexpr const char* kSelectOfSubject = R"sql(
SELECT id, tenant, subject, state, requested_by, requested_at_ms, made_by, made_at_ms,
       expires_at_ms, file, bytes, sha256, rows_exported, downloads, downloaded_at_ms, ended_by,
       ended_at_ms, end_reason
FROM holdfast_export WHERE coalesce(tenant, '') = ?1 AND subject = ?2 ORDER BY id
)sql";

constexpr const char* kSelectKept = R"sql(
SELECT id, tenant, subject, state, requested_by, requested_at_ms, made_by, made_at_ms,
       expires_at_ms, file, bytes, sha256, rows_exported, downloads, downloaded_at_ms, ended_by,
       ended_at_ms, end_reason
FROM holdfast_export WHERE state IN ('requested', 'ready') ORDER BY id
)sql";

constexpr const char* kSelectAll = R"sql(
SELECT id, tenant, subject, state, requested_by, requested_at_ms, made_by, made_at_ms,
       expires_at_ms, file, bytes, sha256, rows_exported, downloads, downloaded_at_ms, ended_by,
       ended_at_ms, end_reason
FROM holdfast_export ORDER BY id
)sql";

ExportState read_state(const RegisterHome& home, const RegisterQuery& row) {
  const std::string word = row.text(3);
  const auto state = parse_export_state(word);
  if (!state) {
    throw StorageError(StorageTrouble::corrupt,
                       home.connection.path() + ": export " + std::to_string(row.integer(0)) +
                           " has the unknown state \"" + word +
                           "\": put its line right before anybody fetches it");
  }
  return *state;
}

ExportRequest read_request(const RegisterHome& home, const RegisterQuery& row) {
  return {.id = row.integer(0),
          .tenant = row.optional_text(1),
          .subject = row.text(2),
          .state = read_state(home, row),
          .requested_by = row.text(4),
          .requested_at = row.instant(5),
          .made_by = row.text(6),
          .made_at = row.optional_instant(7),
          .expires_at = row.optional_instant(8),
          .file = row.text(9),
          .bytes = row.integer(10),
          .sha256 = row.text(11),
          .rows = row.integer(12),
          .downloads = row.integer(13),
          .downloaded_at = row.optional_instant(14),
          .ended_by = row.text(15),
          .ended_at = row.optional_instant(16),
          .end_reason = row.text(17)};
}

template <typename... Values>
std::vector<ExportRequest> read_requests(const RegisterHome& home,
                                         const RegisterSql& sql,
                                         const Values&... values) {
  std::vector<ExportRequest> requests;
  if (home.set_up) {
    RegisterQuery rows(home, sql);
    rows.with(values...);
    while (rows.next()) {
      requests.push_back(read_request(home, rows));
    }
  }
  return requests;
}

}  // namespace

std::int64_t SqlExportRegister::open(const ExportRequest& request) {
  for (const ExportRequest& other : of({.tenant = request.tenant, .person = request.subject})) {
    if (request.state == ExportState::requested && other.state == ExportState::requested) {
      // By its number: whose it is stands in no message.
      throw StorageError(StorageTrouble::other,
                         home_.connection.path() + ": export " + std::to_string(other.id) +
                             " of the same subject is still to be made: make or destroy it first");
    }
  }
  return RegisterQuery(home_, kOpen)
      .with(request.tenant,
            request.subject,
            to_token(request.state),
            request.requested_by,
            request.requested_at,
            request.made_by,
            request.made_at,
            request.expires_at,
            request.file,
            request.bytes,
            request.sha256,
            request.rows,
            request.downloads,
            request.downloaded_at,
            request.ended_by,
            request.ended_at,
            request.end_reason)
      .add_one("opening an export");
}

void SqlExportRegister::store(const ExportRequest& request) {
  RegisterQuery(home_, kStore)
      .with(request.id,
            request.tenant,
            request.subject,
            to_token(request.state),
            request.requested_by,
            request.requested_at,
            request.made_by,
            request.made_at,
            request.expires_at,
            request.file,
            request.bytes,
            request.sha256,
            request.rows,
            request.downloads,
            request.downloaded_at,
            request.ended_by,
            request.ended_at,
            request.end_reason)
      .run_one("storing an export");
}

std::optional<ExportRequest> SqlExportRegister::find(std::int64_t id) {
  auto found = read_requests(home_, kSelectOne, id);
  return found.empty() ? std::nullopt : std::optional{std::move(found.front())};
}

std::vector<ExportRequest> SqlExportRegister::of(const Subject& subject) {
  return read_requests(home_, kSelectOfSubject, subject.tenant.value_or(""), subject.person);
}

std::vector<ExportRequest> SqlExportRegister::kept() {
  return read_requests(home_, kSelectKept);
}

std::vector<ExportRequest> SqlExportRegister::all() {
  return read_requests(home_, kSelectAll);
}

}  // namespace holdfast
