// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/instant.h"
#include "policy/row_facts.h"
#include "storage/hold_register.h"

namespace holdfast {

/// How far a consumer of the log has read.
struct Bookmark {
  std::string name;
  std::int64_t event_id = 0;
  std::string set_by;
  Instant set_at;
};

/// The bookmarks of the log's consumers: rows above the lowest are kept.
class BookmarkRegister {
 public:
  BookmarkRegister() = default;
  BookmarkRegister(const BookmarkRegister&) = delete;
  BookmarkRegister& operator=(const BookmarkRegister&) = delete;
  BookmarkRegister(BookmarkRegister&&) = delete;
  BookmarkRegister& operator=(BookmarkRegister&&) = delete;
  virtual ~BookmarkRegister() = default;

  [[nodiscard]] virtual std::vector<Bookmark> all() = 0;
  virtual void set(const Bookmark& bookmark) = 0;
  /// Returns false where there is none of that name.
  [[nodiscard]] virtual bool drop(const std::string& name) = 0;
};

/// When runs first met the rows whose time cannot be trusted.
class FirstSeenRegister {
 public:
  FirstSeenRegister() = default;
  FirstSeenRegister(const FirstSeenRegister&) = delete;
  FirstSeenRegister& operator=(const FirstSeenRegister&) = delete;
  FirstSeenRegister(FirstSeenRegister&&) = delete;
  FirstSeenRegister& operator=(FirstSeenRegister&&) = delete;
  virtual ~FirstSeenRegister() = default;

  /// The record of this row, where stored time and code are still the same.
  [[nodiscard]] virtual std::optional<Instant> find(const RowFacts& row) = 0;
  /// Remembers, outside the database, that this run met the row.
  virtual void meet(const RowFacts& row) = 0;
  /// Forgets what meet() remembered.
  virtual void forget_met() = 0;
  /// Records up to `most` of the rows met: a new one as first seen at `seen_at`, a known one with
  /// the earlier of the two. Returns how many are left. Call inside a write.
  [[nodiscard]] virtual std::int64_t record_met(Instant seen_at, std::int64_t most) = 0;
  /// Drops records of rows that the run did not meet: they are gone, or have a time now.
  virtual void drop_unmet() = 0;
  /// Drops the record of a row that is being deleted.
  virtual void drop(const RowKey& key) = 0;
};

/// One line of the journal: what has no audit code of its own.
struct JournalEntry {
  std::int64_t id = 0;
  Signature by;
  std::string what;    ///< "hold_placed", "clock_set", "plan_approved"
  std::string detail;  ///< JSON
};

/// The journal of the registers: holds, approvals, bookmarks and clocks, in the order of events.
class Journal {
 public:
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  Journal(Journal&&) = delete;
  Journal& operator=(Journal&&) = delete;
  virtual ~Journal() = default;

  virtual void add(const JournalEntry& entry) = 0;
  /// Lines after the one with this number, ascending.
  [[nodiscard]] virtual std::vector<JournalEntry> since(std::int64_t id) = 0;
};

}  // namespace holdfast
