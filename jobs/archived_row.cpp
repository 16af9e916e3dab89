// SPDX-License-Identifier: Apache-2.0
#include "jobs/archived_row.h"

#include <algorithm>
#include <utility>

#include "jobs/archive_format.h"
#include "jobs/archive_store.h"

namespace holdfast {
namespace {

std::string mapped(const ArchiveManifest& manifest, const char* word) {
  const auto found = manifest.mapping.find(word);
  return found == manifest.mapping.end() ? std::string{} : found->second;
}

std::optional<std::size_t> position(const ColumnNames& columns, std::string_view name) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  return found == columns.end() ? std::nullopt
                                : std::optional{static_cast<std::size_t>(found - columns.begin())};
}

/// None where the word is not mapped, or the archive does not have its column.
std::optional<std::size_t> column_of(const ArchiveManifest& manifest, const char* word) {
  return position(manifest.columns, mapped(manifest, word));
}

/// True where the log had a column for the word that no row of the archive has: a generated one.
bool is_lost(const ArchiveManifest& manifest, const char* word) {
  return !mapped(manifest, word).empty() && !column_of(manifest, word);
}

/// Which terms the rows of an archive cannot answer.
struct Unanswered {
  explicit Unanswered(const ArchiveManifest& manifest)
      : terms{.tenant = column_of(manifest, "tenant").has_value(),
              .actor = column_of(manifest, "actor").has_value(),
              .subject = column_of(manifest, "subject").has_value()},
        persons(is_lost(manifest, "actor") || is_lost(manifest, "subject")),
        codes(is_lost(manifest, "code") || !mapped(manifest, "code_lookup.table").empty()),
        categories(codes || is_lost(manifest, "category")) {}

  [[nodiscard]] bool any() const {
    return persons || codes || categories || !terms.tenant || !terms.actor || !terms.subject;
  }

  AnsweredTerms terms;
  bool persons;  ///< half of what a term on persons asks is lost
  bool codes;
  bool categories;
};

HoldScope widened(HoldScope scope, const Unanswered& unanswered) {
  bool left_out = false;
  const auto leave_out = [&left_out](std::vector<std::string>& words, bool lost) {
    if (lost && !words.empty()) {
      words.clear();
      left_out = true;
    }
  };
  leave_out(scope.persons, unanswered.persons);
  leave_out(scope.codes, unanswered.codes);
  leave_out(scope.categories, unanswered.categories);
  leave_out(scope.category_codes, unanswered.categories);
  const bool others = !scope.tenants.empty() || !scope.persons.empty() || !scope.actors.empty() ||
                      !scope.subjects.empty() || !scope.codes.empty() ||
                      !scope.categories.empty() || !scope.event_ids.empty() || scope.from ||
                      scope.until;
  scope.everything = scope.everything || (left_out && !others);
  return bound_to(std::move(scope), unanswered.terms);
}

/// The columns of a key that is written "a,b"; a single column may have commas in its name.
std::vector<std::size_t> key_positions(const ColumnNames& columns, std::string_view id) {
  if (const auto whole = position(columns, id)) {
    return {*whole};
  }
  std::vector<std::size_t> found;
  while (!id.empty()) {
    const std::size_t comma = std::min(id.find(','), id.size());
    const auto column = position(columns, id.substr(0, comma));
    if (!column) {
      return {};
    }
    found.push_back(*column);
    id.remove_prefix(std::min(comma + 1, id.size()));
  }
  return found;
}

}  // namespace

PersonColumns person_columns(const ArchiveManifest& manifest) {
  return {.tenant = column_of(manifest, "tenant").has_value(),
          .persons = !is_lost(manifest, "actor") && !is_lost(manifest, "subject")};
}

ArchivedRowReader::ArchivedRowReader(const ArchiveManifest& manifest)
    : name_(archive_name({manifest.database, manifest.run})),
      width_(manifest.columns.size()),
      codes_elsewhere_(!mapped(manifest, "code_lookup.table").empty()),
      key_columns_(key_positions(manifest.columns, mapped(manifest, "id"))),
      time_(column_of(manifest, "time")),
      retain_until_(column_of(manifest, "retain_until")),
      code_{.column = column_of(manifest, "code")},
      tenant_{.column = column_of(manifest, "tenant")},
      actor_{.column = column_of(manifest, "actor")},
      subject_{.column = column_of(manifest, "subject")},
      category_{.column = column_of(manifest, "category")} {
  if (key_columns_.empty()) {
    throw ArchiveError(name_ + ": its manifest does not say which columns are the key");
  }
}

StoredView ArchivedRowReader::value_of(const std::optional<std::size_t>& column) const {
  return column ? values_[*column] : StoredView{};
}

std::optional<std::string_view> ArchivedRowReader::text_of(Field& field) const {
  const StoredView value = value_of(field.column);
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return *text;
  }
  if (std::holds_alternative<std::monostate>(value)) {
    return std::nullopt;
  }
  field.text = to_display(value);
  return field.text;
}

const RowFacts& ArchivedRowReader::read(std::string_view content) {
  auto values = split_canonical(content);
  if (!values || values->size() != width_) {
    throw ArchiveError(name_ + ": a row does not have the columns of the manifest");
  }
  values_ = *std::move(values);
  std::vector<StoredView> key;
  for (const std::size_t column : key_columns_) {
    key.push_back(values_[column]);
  }
  const auto* const integer = std::get_if<std::int64_t>(&key.front());
  key_ = key.size() == 1 && integer != nullptr ? RowKey::integer(*integer) : RowKey::composite(key);
  facts_ = RowFacts{};
  facts_.key = &key_;
  facts_.time = value_of(time_);
  facts_.retain_until = value_of(retain_until_);
  const StoredView code = value_of(code_.column);
  if (!codes_elsewhere_ && (std::holds_alternative<std::string_view>(code) ||
                            std::holds_alternative<std::int64_t>(code))) {
    facts_.code = text_of(code_);
  }
  facts_.tenant = text_of(tenant_);
  facts_.actor = text_of(actor_);
  facts_.subject = text_of(subject_);
  facts_.stored_category = text_of(category_);
  return facts_;
}

ArchiveHolds::ArchiveHolds(const ArchiveManifest& manifest, const DecisionContext& context)
    : context_(context), frame_(context.frame()) {
  if (const auto format = parse_time_format(mapped(manifest, "time_format"))) {
    frame_.time_format = *format;
  }
  const Unanswered unanswered(manifest);
  if (unanswered.any()) {
    std::vector<LegalHold> holds = context.holds().holds();
    for (LegalHold& hold : holds) {
      hold.scope = widened(std::move(hold.scope), unanswered);
    }
    widened_.emplace(std::move(holds));
  }
}

std::optional<std::int64_t> ArchiveHolds::covering(const RowFacts& row) const {
  std::optional<std::int64_t> found;
  index().for_each_match(as_hold_candidate(row, frame_), [&found](const LegalHold& hold) {
    found = hold.id;
    return false;
  });
  return found;
}

}  // namespace holdfast
