// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_erasure_register.h"

#include <algorithm>
#include <string_view>

#include "storage/key_set.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kOpen = R"sql(
INSERT INTO holdfast_erasure
      (tenant, subject, state, requested_by, requested_at_ms, deadline_ms, extended, approved_by,
       approved_at_ms, cooloff_until_ms, confirmed_by, confirmed_at_ms, ended_by, ended_at_ms,
       end_reason)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
RETURNING id
)sql";

constexpr const char* kStore = R"sql(
UPDATE holdfast_erasure
SET tenant = ?2, subject = ?3, state = ?4, requested_by = ?5, requested_at_ms = ?6,
    deadline_ms = ?7, extended = ?8, approved_by = ?9, approved_at_ms = ?10,
    cooloff_until_ms = ?11, confirmed_by = ?12, confirmed_at_ms = ?13, ended_by = ?14,
    ended_at_ms = ?15, end_reason = ?16
WHERE id = ?1
)sql";

constexpr const char* kSelectOne = R"sql(
SELECT id, tenant, subject, state, requested_by, requested_at_ms, deadline_ms, extended, approved_by,
       approved_at_ms, cooloff_until_ms, confirmed_by, confirmed_at_ms, ended_by, ended_at_ms,
       end_reason
FROM holdfast_erasure WHERE id = ?1
)sql";

constexpr const char* kSelectOpen = R"sql(
SELECT id, tenant, subject, state, requested_by, requested_at_ms, deadline_ms, extended, approved_by,
       approved_at_ms, cooloff_until_ms, confirmed_by, confirmed_at_ms, ended_by, ended_at_ms,
       end_reason
FROM holdfast_erasure
WHERE coalesce(tenant, '') = ?1 AND subject = ?2 AND state IN ('requested', 'approved')
ORDER BY id
)sql";

constexpr const char* kSelectNewest = R"sql(
SELECT id, tenant, subject, state, requested_by, requested_at_ms, deadline_ms, extended, approved_by,
       approved_at_ms, cooloff_until_ms, confirmed_by, confirmed_at_ms, ended_by, ended_at_ms,
       end_reason
FROM holdfast_erasure
WHERE coalesce(tenant, '') = ?1 AND subject = ?2
ORDER BY id DESC LIMIT 1
)sql";

constexpr const char* kSelectAll = R"sql(
SELECT id, tenant, subject, state, requested_by, requested_at_ms, deadline_ms, extended, approved_by,
       approved_at_ms, cooloff_until_ms, confirmed_by, confirmed_at_ms, ended_by, ended_at_ms,
       end_reason
FROM holdfast_erasure ORDER BY id
)sql";

constexpr const char* kAddAttempt = R"sql(
INSERT INTO holdfast_erasure_attempt
  (erasure_id, at_ms, who, deed, outcome, hold_digest, report)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
)sql";

constexpr const char* kSelectAttempts = R"sql(
SELECT id, erasure_id, at_ms, who, deed, outcome, hold_digest, report
FROM holdfast_erasure_attempt WHERE erasure_id = ?1 ORDER BY id
)sql";

constexpr const char* kRenameInAttempts = R"sql(
UPDATE holdfast_erasure_attempt SET who = ?3 WHERE erasure_id = ?1 AND who = ?2
)sql";

constexpr const char* kStoreReceipt = R"sql(
INSERT INTO holdfast_erasure_receipt (erasure_id, receipt, deleted_keys) VALUES (?1, ?2, ?3)
ON CONFLICT (erasure_id) DO NOTHING
)sql";

constexpr const char* kSelectReceipt = R"sql(
SELECT receipt FROM holdfast_erasure_receipt WHERE erasure_id = ?1
)sql";

constexpr const char* kSelectDeleted = R"sql(
SELECT deleted_keys FROM holdfast_erasure_receipt WHERE erasure_id = ?1
)sql";

constexpr const char* kSelectAllDeleted = R"sql(
SELECT erasure_id, deleted_keys FROM holdfast_erasure_receipt ORDER BY erasure_id DESC
)sql";

constexpr const char* kSelectKeys = R"sql(
SELECT id, tenant, made_at_ms, key_check, forgotten_at_ms, forgotten_by, forget_reason
FROM holdfast_erasure_key ORDER BY id
)sql";

constexpr const char* kAddKey = R"sql(
INSERT INTO holdfast_erasure_key
  (tenant, made_at_ms, key_check, forgotten_at_ms, forgotten_by, forget_reason)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
RETURNING id
)sql";

constexpr const char* kForgetKey = R"sql(
UPDATE holdfast_erasure_key SET forgotten_at_ms = ?2, forgotten_by = ?3, forget_reason = ?4
WHERE id = ?1 AND forgotten_at_ms IS NULL
)sql";

ErasureState read_state(const RegisterHome& home, const RegisterQuery& row) {
  const std::string word = row.text(3);
  const auto state = parse_erasure_state(word);
  if (!state) {
    throw StorageError(StorageTrouble::corrupt,
                       home.connection.path() + ": erasure request " +
                           std::to_string(row.integer(0)) + " has the unknown state \"" + word +
                           "\": put its line right before anything is erased");
  }
  return *state;
}

ErasureRequest read_request(const RegisterHome& home, const RegisterQuery& row) {
  return {.id = row.integer(0),
          .tenant = row.optional_text(1),
          .subject = row.text(2),
          .state = read_state(home, row),
          .requested_by = row.text(4),
          .requested_at = row.instant(5),
          .deadline = row.instant(6),
          .extended = row.integer(7) != 0,
          .approved_by = row.text(8),
          .approved_at = row.optional_instant(9),
          .cooloff_until = row.optional_instant(10),
          .confirmed_by = row.text(11),
          .confirmed_at = row.optional_instant(12),
          .ended_by = row.text(13),
          .ended_at = row.optional_instant(14),
          .end_reason = row.text(15)};
}

template <typename... Values>
std::vector<ErasureRequest> read_requests(const RegisterHome& home,
                                          const RegisterSql& sql,
                                          const Values&... values) {
  std::vector<ErasureRequest> requests;
  if (home.set_up) {
    RegisterQuery rows(home, sql);
    rows.with(values...);
    while (rows.next()) {
      requests.push_back(read_request(home, rows));
    }
  }
  return requests;
}

template <typename... Values>
std::optional<ErasureRequest> read_one(const RegisterHome& home,
                                       const RegisterSql& sql,
                                       const Values&... values) {
  std::vector<ErasureRequest> requests = read_requests(home, sql, values...);
  return requests.empty() ? std::nullopt : std::optional{std::move(requests.front())};
}

std::string tenant_text(const Subject& subject) {
  return subject.tenant.value_or("");
}

std::int64_t flag(bool value) {
  return value ? 1 : 0;
}

}  // namespace

std::int64_t SqlErasureRegister::open(const ErasureRequest& request) {
  const auto before = find_open({.tenant = request.tenant, .person = request.subject});
  if (request.open() && before) {
    // By its number: whose it is stands in no message.
    throw StorageError(StorageTrouble::other,
                       home_.connection.path() + ": erasure request " + std::to_string(before->id) +
                           " of the same subject is still open: end that one first");
  }
  return RegisterQuery(home_, kOpen)
      .with(request.tenant,
            request.subject,
            to_token(request.state),
            request.requested_by,
            request.requested_at,
            request.deadline,
            flag(request.extended),
            request.approved_by,
            request.approved_at,
            request.cooloff_until,
            request.confirmed_by,
            request.confirmed_at,
            request.ended_by,
            request.ended_at,
            request.end_reason)
      .add_one("opening an erasure request");
}

void SqlErasureRegister::store(const ErasureRequest& request) {
  RegisterQuery(home_, kStore)
      .with(request.id,
            request.tenant,
            request.subject,
            to_token(request.state),
            request.requested_by,
            request.requested_at,
            request.deadline,
            flag(request.extended),
            request.approved_by,
            request.approved_at,
            request.cooloff_until,
            request.confirmed_by,
            request.confirmed_at,
            request.ended_by,
            request.ended_at,
            request.end_reason)
      .run_one("storing an erasure request");
}

std::optional<ErasureRequest> SqlErasureRegister::find(std::int64_t id) {
  return read_one(home_, kSelectOne, id);
}

std::optional<ErasureRequest> SqlErasureRegister::find_open(const Subject& subject) {
  return read_one(home_, kSelectOpen, tenant_text(subject), subject.person);
}

std::optional<ErasureRequest> SqlErasureRegister::find_newest(const Subject& subject) {
  return read_one(home_, kSelectNewest, tenant_text(subject), subject.person);
}

std::vector<ErasureRequest> SqlErasureRegister::all() {
  return read_requests(home_, kSelectAll);
}

void SqlErasureRegister::add_attempt(const ErasureAttempt& attempt) {
  RegisterQuery(home_, kAddAttempt)
      .with(attempt.erasure,
            attempt.at,
            attempt.who,
            attempt.deed,
            attempt.outcome,
            attempt.hold_digest,
            attempt.report)
      .run_one("an attempt at an erasure");
}

std::vector<ErasureAttempt> SqlErasureRegister::attempts(std::int64_t erasure) {
  std::vector<ErasureAttempt> attempts;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectAttempts);
    rows.with(erasure);
    while (rows.next()) {
      attempts.push_back({.id = rows.integer(0),
                          .erasure = rows.integer(1),
                          .at = rows.instant(2),
                          .who = rows.text(3),
                          .deed = rows.text(4),
                          .outcome = rows.text(5),
                          .hold_digest = rows.text(6),
                          .report = rows.text(7)});
    }
  }
  return attempts;
}

void SqlErasureRegister::rename_in_attempts(std::int64_t erasure,
                                            const std::string& name,
                                            const std::string& token) {
  RegisterQuery(home_, kRenameInAttempts).with(erasure, name, token).run();
}

void SqlErasureRegister::store_receipt(std::int64_t erasure,
                                       const std::string& receipt,
                                       const std::vector<RowKey>& deleted) {
  const std::string keys = encode_keys(deleted);
  RegisterQuery(home_, kStoreReceipt)
      .with(erasure, receipt, BlobView{keys})
      .run_one("the receipt of an erasure");
}

std::optional<std::string> SqlErasureRegister::receipt(std::int64_t erasure) {
  if (!home_.set_up) {
    return std::nullopt;
  }
  RegisterQuery row(home_, kSelectReceipt);
  return row.with(erasure).next() ? std::optional{row.text(0)} : std::nullopt;
}

std::vector<RowKey> SqlErasureRegister::deleted_keys(std::int64_t erasure) {
  if (!home_.set_up) {
    return {};
  }
  RegisterQuery row(home_, kSelectDeleted);
  return row.with(erasure).next() ? decode_keys(row.bytes(0)) : std::vector<RowKey>{};
}

std::optional<std::int64_t> SqlErasureRegister::erasure_that_deleted(const std::string& typed) {
  if (!home_.set_up) {
    return std::nullopt;
  }
  RegisterQuery rows(home_, kSelectAllDeleted, RegisterRows::many);
  rows.with();
  while (rows.next()) {
    const std::vector<RowKey> keys = decode_keys(rows.bytes(1));
    if (std::any_of(keys.begin(), keys.end(), [&typed](const RowKey& key) {
          return key.display() == typed;
        })) {
      return rows.integer(0);
    }
  }
  return std::nullopt;
}

std::vector<ErasureKeyLine> SqlErasureRegister::keys() {
  std::vector<ErasureKeyLine> keys;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectKeys);
    rows.with();
    while (rows.next()) {
      keys.push_back({.id = rows.integer(0),
                      .tenant = rows.optional_text(1),
                      .made_at = rows.instant(2),
                      .check = rows.text(3),
                      .forgotten_at = rows.optional_instant(4),
                      .forgotten_by = rows.text(5),
                      .forget_reason = rows.text(6)});
    }
  }
  return keys;
}

std::int64_t SqlErasureRegister::add_key(const ErasureKeyLine& key) {
  return RegisterQuery(home_, kAddKey)
      .with(
          key.tenant, key.made_at, key.check, key.forgotten_at, key.forgotten_by, key.forget_reason)
      .add_one("an erasure key");
}

bool SqlErasureRegister::forget_key(std::int64_t id, const Signature& by) {
  return RegisterQuery(home_, kForgetKey).with(id, by.at, by.who, by.reason).run() == 1;
}

}  // namespace holdfast
