// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_hold_register.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "storage/storage_error.h"

namespace holdfast {
namespace {

// The values of holdfast_meta have types of their own in SQLite and are text in PostgreSQL.
constexpr RegisterSql kSelectVersion{R"sql(
SELECT value FROM holdfast_meta WHERE key = 'hold_version'
)sql",
                                     R"sql(
SELECT value::bigint FROM holdfast_meta WHERE key = 'hold_version'
)sql"};

// Whoever changes the register moves this line in the same transaction. With the lock, nobody's
// change is committed between the reading and the end of this write, and a change that is not
// committed yet is waited for. SQLite has one writer at a time.
constexpr RegisterSql kLockVersion{R"sql(
SELECT value FROM holdfast_meta WHERE key = 'hold_version'
)sql",
                                   R"sql(
SELECT value::bigint FROM holdfast_meta WHERE key = 'hold_version' FOR SHARE
)sql"};

constexpr const char* kSelectHolds = R"sql(
SELECT id, matter, reason, basis, kind, locked, everything, from_ms, until_ms, placed_by,
       placed_at_ms, review_by_ms, released_at_ms, released_by, release_reason
FROM holdfast_hold ORDER BY id
)sql";

constexpr const char* kSelectTerms = R"sql(
SELECT hold_id, kind, value FROM holdfast_hold_term ORDER BY hold_id, kind, value
)sql";

constexpr const char* kInsertHold = R"sql(
INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, from_ms, until_ms,
                           placed_by, placed_at_ms, review_by_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
RETURNING id
)sql";

constexpr const char* kInsertTerm = R"sql(
INSERT INTO holdfast_hold_term (hold_id, kind, value) VALUES (?1, ?2, ?3)
ON CONFLICT (hold_id, kind, value) DO NOTHING
)sql";

// The clock may have been set back since the hold was placed; one that ends before it begins would
// keep its rows for ever.
constexpr const char* kRelease = R"sql(
UPDATE holdfast_hold SET released_at_ms = ?2, released_by = ?3, release_reason = ?4,
       placed_at_ms = CASE WHEN placed_at_ms > ?2 THEN ?2 ELSE placed_at_ms END
WHERE id = ?1 AND (released_at_ms IS NULL OR released_at_ms < placed_at_ms)
)sql";

constexpr const char* kReview = R"sql(
UPDATE holdfast_hold
SET review_by_ms = ?2, reviewed_at_ms = ?3, reviewed_by = ?4, review_reason = ?5
WHERE id = ?1 AND (released_at_ms IS NULL OR released_at_ms < placed_at_ms)
)sql";

constexpr const char* kDropTermOfReleased = R"sql(
DELETE FROM holdfast_hold_term
WHERE hold_id = ?1 AND kind = ?2 AND value = ?3
  AND EXISTS (SELECT 1 FROM holdfast_hold WHERE id = ?1 AND released_at_ms >= placed_at_ms)
)sql";

/// A kind of term in the table and where it stands in a scope.
struct TermKind {
  std::string_view word;
  std::vector<std::string> HoldScope::*terms;
};

constexpr std::array<TermKind, 8> kTermKinds = {{
    {"tenant", &HoldScope::tenants},
    {"person", &HoldScope::persons},
    {"actor", &HoldScope::actors},
    {"subject", &HoldScope::subjects},
    {"category", &HoldScope::categories},
    {"category_code", &HoldScope::category_codes},
    {"code", &HoldScope::codes},
    {"event_id", &HoldScope::event_ids},
}};

const TermKind* find_kind(std::string_view word) {
  const auto* found = std::find_if(kTermKinds.begin(), kTermKinds.end(), [&](const TermKind& kind) {
    return kind.word == word;
  });
  return found == kTermKinds.end() ? nullptr : found;
}

/// A scope that says nothing covers nothing: as a line of the register it is a mistake.
bool says_nothing(const HoldScope& scope) {
  return !scope.everything && !scope.from && !scope.until &&
         std::all_of(kTermKinds.begin(), kTermKinds.end(), [&](const TermKind& kind) {
           return (scope.*kind.terms).empty();
         });
}

/// True where no time can be inside the range: what it was meant to cover, nobody can tell.
bool ends_before_it_begins(const HoldScope& scope) {
  return scope.from && scope.until && !(*scope.from < *scope.until);
}

std::string_view word_of(PersonTerm kind) {
  switch (kind) {
    case PersonTerm::person:
      return "person";
    case PersonTerm::actor:
      return "actor";
    case PersonTerm::subject:
      return "subject";
  }
  return {};
}

LegalHold read_hold(const RegisterQuery& row) {
  const std::string word = row.text(4);
  const auto kind = parse_hold_kind(word);
  if (!kind) {
    throw StorageError(StorageTrouble::corrupt, "unknown kind \"" + word + "\"");
  }
  return {.id = row.integer(0),
          .matter = row.text(1),
          .reason = row.text(2),
          .basis = row.text(3),
          .kind = *kind,
          .locked = row.integer(5) != 0,
          .scope = {.from = row.optional_instant(7),
                    .until = row.optional_instant(8),
                    .everything = row.integer(6) != 0},
          .placed_by = row.text(9),
          .placed_at = row.instant(10),
          .review_by = row.optional_instant(11),
          .released_at = row.optional_instant(12),
          .released_by = row.text(13),
          .release_reason = row.text(14)};
}

}  // namespace

SqlHoldRegister::SqlHoldRegister(const RegisterHome& home)
    : home_(home), version_(home, kSelectVersion), locked_version_(home, kLockVersion) {}

void SqlHoldRegister::refuse(std::int64_t id, const std::string& why) const {
  throw StorageError(StorageTrouble::corrupt,
                     home_.connection.path() + ": hold " + std::to_string(id) +
                         " cannot be read (" + why +
                         "), and it may cover anything: put its line right before anything is "
                         "deleted");
}

void SqlHoldRegister::refuse_orphan(std::int64_t id) const {
  refuse(id, "a term of it is there and its line is not");
}

std::int64_t SqlHoldRegister::version() {
  if (!home_.set_up) {
    return 0;
  }
  RegisterQuery& version = home_.connection.others_may_commit() ? locked_version_ : version_;
  const QueryUse use{version};
  if (!version.with().next()) {
    throw StorageError(StorageTrouble::corrupt,
                       home_.connection.path() +
                           ": the version of the hold register is missing: restore a backup");
  }
  return version.integer(0);
}

void SqlHoldRegister::for_each(const std::function<void(LegalHold&&)>& visit) {
  if (!home_.set_up) {
    return;
  }
  if (home_.connection.others_may_commit()) {
    // Its lock keeps the register as it is read now until this write is over.
    (void)version();
  }
  RegisterQuery lines(home_, kSelectHolds);
  RegisterQuery terms(home_, kSelectTerms);
  lines.with();
  terms.with();
  bool more = terms.next();
  while (lines.next()) {
    LegalHold hold;
    try {
      hold = read_hold(lines);
    } catch (const StorageError& error) {
      refuse(lines.integer(0), error.what());
    }
    read_terms(terms, more, hold);
    require_sense(hold);
    visit(std::move(hold));
  }
  if (more) {
    refuse_orphan(terms.integer(0));
  }
}

std::vector<LegalHold> SqlHoldRegister::all() {
  std::vector<LegalHold> holds;
  for_each([&holds](LegalHold&& hold) { holds.push_back(std::move(hold)); });
  return holds;
}

/// Both come by ascending id, so the terms of the hold are the next ones. `more`: there is one.
void SqlHoldRegister::read_terms(RegisterQuery& terms, bool& more, LegalHold& hold) const {
  while (more) {
    const std::int64_t id = terms.integer(0);
    if (id > hold.id) {
      return;
    }
    if (id < hold.id) {
      refuse_orphan(id);
    }
    const std::string word = terms.text(1);
    const TermKind* kind = find_kind(word);
    if (kind == nullptr) {
      refuse(id, "unknown kind of term \"" + word + "\"");
    }
    (hold.scope.*kind->terms).push_back(terms.text(2));
    more = terms.next();
  }
}

void SqlHoldRegister::require_sense(const LegalHold& hold) const {
  if (says_nothing(hold.scope)) {
    refuse(hold.id, "it names nothing that it covers");
  }
  if (ends_before_it_begins(hold.scope)) {
    refuse(hold.id, "its range ends before it begins");
  }
}

std::int64_t SqlHoldRegister::place(const LegalHold& hold) {
  if (says_nothing(hold.scope)) {
    throw StorageError(StorageTrouble::other,
                       home_.connection.path() +
                           ": a hold that names nothing was not placed: give it at least one term");
  }
  // All or none also where the caller has no transaction: a hold without its terms is unreadable.
  const auto savepoint = home_.connection.savepoint();
  RegisterQuery insert(home_, kInsertHold);
  const HoldScope& scope = hold.scope;
  const std::int64_t id = insert
                              .with(hold.matter,
                                    hold.reason,
                                    hold.basis,
                                    to_token(hold.kind),
                                    std::int64_t{hold.locked ? 1 : 0},
                                    std::int64_t{scope.everything ? 1 : 0},
                                    scope.from,
                                    scope.until,
                                    hold.placed_by,
                                    hold.placed_at,
                                    hold.review_by)
                              .add_one("placing a hold");
  RegisterQuery term(home_, kInsertTerm);
  for (const TermKind& kind : kTermKinds) {
    for (const std::string& value : scope.*kind.terms) {
      term.with(id, kind.word, value).run();
    }
  }
  savepoint->release();
  return id;
}

bool SqlHoldRegister::release(std::int64_t id, const Signature& by) {
  RegisterQuery update(home_, kRelease);
  return update.with(id, by.at, by.who, by.reason).run() == 1;
}

bool SqlHoldRegister::review(std::int64_t id, Instant until, const Signature& by) {
  RegisterQuery update(home_, kReview);
  return update.with(id, until, by.at, by.who, by.reason).run() == 1;
}

void SqlHoldRegister::add_person_term(std::int64_t id, PersonTerm kind, const std::string& value) {
  RegisterQuery insert(home_, kInsertTerm);
  insert.with(id, word_of(kind), value).run();
}

void SqlHoldRegister::drop_person_term(std::int64_t id, PersonTerm kind, const std::string& value) {
  RegisterQuery remove(home_, kDropTermOfReleased);
  remove.with(id, word_of(kind), value).run_one("taking a name out of a released hold");
}

}  // namespace holdfast
