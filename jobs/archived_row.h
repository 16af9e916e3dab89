// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/archive_manifest.h"
#include "jobs/decision_context.h"
#include "policy/legal_hold.h"
#include "policy/row_facts.h"

namespace holdfast {

/// Whether the rows of an archive can say whose they are and whom they are about. A column that was
/// never mapped asks nothing of `persons`; one that no archive stores does.
struct PersonColumns {
  bool tenant = true;
  bool persons = true;
};
[[nodiscard]] PersonColumns person_columns(const ArchiveManifest& manifest);

/// Reads archived rows as the log would have read them, by the columns and the mapping of their
/// archive. Views live until the next row.
class ArchivedRowReader {
 public:
  /// A mapped column that the archive does not have, because a generated one is not stored, is
  /// NULL in every row. Errors: ArchiveError where that is a column of the key.
  explicit ArchivedRowReader(const ArchiveManifest& manifest);
  ArchivedRowReader(const ArchivedRowReader&) = delete;
  ArchivedRowReader& operator=(const ArchivedRowReader&) = delete;
  ArchivedRowReader(ArchivedRowReader&&) = delete;
  ArchivedRowReader& operator=(ArchivedRowReader&&) = delete;
  ~ArchivedRowReader() = default;

  /// `content` as ArchiveLine has it. Errors: ArchiveError where it is no row of this archive. The
  /// code of a log whose codes are looked up in a table is not in its rows: it is none.
  [[nodiscard]] const RowFacts& read(std::string_view content);

 private:
  struct Field {
    std::optional<std::size_t> column;
    std::string text;  // where the value is no text itself
  };

  [[nodiscard]] std::optional<std::string_view> text_of(Field& field) const;
  [[nodiscard]] StoredView value_of(const std::optional<std::size_t>& column) const;

  std::string name_;
  std::size_t width_;
  bool codes_elsewhere_;
  std::vector<std::size_t> key_columns_;
  std::optional<std::size_t> time_;
  std::optional<std::size_t> retain_until_;
  Field code_;
  Field tenant_;
  Field actor_;
  Field subject_;
  Field category_;
  std::vector<StoredView> values_;
  RowKey key_;
  RowFacts facts_;
};

/// The holds as they bind on the rows of one archive.
class ArchiveHolds {
 public:
  /// `context` outlives this, and knows the holds that can matter now. They bind as the columns of
  /// the archive want it, and not those that the log has today: a kind of term that its rows cannot
  /// answer is left out, also on codes that are looked up in a table, and the hold covers more.
  ArchiveHolds(const ArchiveManifest& manifest, const DecisionContext& context);

  /// The id of a hold that covers the row; none where no hold does.
  [[nodiscard]] std::optional<std::int64_t> covering(const RowFacts& row) const;
  [[nodiscard]] bool empty() const { return index().empty(); }

 private:
  [[nodiscard]] const HoldIndex& index() const { return widened_ ? *widened_ : context_.holds(); }

  const DecisionContext& context_;
  DecisionFrame frame_;
  std::optional<HoldIndex> widened_;
};

}  // namespace holdfast
