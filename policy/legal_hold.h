// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/instant.h"
#include "policy/instant_shift.h"
#include "policy/row_facts.h"
#include "policy/text_hash.h"

namespace holdfast {

/// Why a row is frozen: litigation, a regulator's order, or a restriction of processing.
enum class HoldKind { legal, regulatory, restriction };

[[nodiscard]] std::string_view to_token(HoldKind kind);
[[nodiscard]] std::optional<HoldKind> parse_hold_kind(std::string_view word);

/// Which rows a hold covers: kinds of term are ANDed, repeats of one kind are ORed.
/// Shapes: a scope with no term at all covers nothing unless `everything` is set.
struct HoldScope {
  std::vector<std::string> tenants;
  std::vector<std::string> persons;  ///< actor or subject
  std::vector<std::string> actors;
  std::vector<std::string> subjects;
  std::vector<std::string> categories;      ///< slugs, or names of categories to come
  std::vector<std::string> category_codes;  ///< the codes of those categories when it was placed
  std::vector<std::string> codes;
  std::vector<std::string> event_ids;  ///< RowKey::display() of the rows
  std::optional<Instant> from;         ///< covers `from <= time < until`
  std::optional<Instant> until;
  bool everything = false;

  [[nodiscard]] bool operator==(const HoldScope&) const = default;
};

/// One hold of the register. It serves a matter, it never ends by itself, and it knows no window.
struct LegalHold {
  std::int64_t id = 0;
  std::string matter;
  std::string reason;
  std::string basis;
  HoldKind kind = HoldKind::legal;
  bool locked = false;
  HoldScope scope;
  std::string placed_by;
  Instant placed_at;
  std::optional<Instant> review_by;
  std::optional<Instant> released_at;
  std::string released_by;
  std::string release_reason;

  /// Released before it was placed: a time in another unit, or a slip of the hand. Which of the two
  /// is wrong nobody can tell, so such a hold is in force.
  [[nodiscard]] bool active() const { return !released_at || *released_at < placed_at; }
  /// Released, and the time for which its rows stay after that is over: it keeps nothing any more.
  /// `grace` is the longest of the policies in force, and `guard_now` that of the run's clock.
  [[nodiscard]] bool over(std::chrono::milliseconds grace, Instant guard_now) const {
    return !active() && later_by(*released_at, grace) < guard_now;
  }
};

/// What holds look at in a row, once the decision has read it.
struct HoldCandidate {
  const RowFacts* row = nullptr;
  std::optional<Instant> time;         ///< none: a bad time, which counts as inside every range
  std::string_view own_category;       ///< slug of the row's own category, empty where it has none
  std::string_view category;           ///< the catalogue's, empty where the code is unknown
  std::string_view own_category_name;  ///< what people call them, empty where they have no name
  std::string_view category_name;
  std::string_view known_code;  ///< the code that an alias stands for
};

/// True where the scope covers the row.
[[nodiscard]] bool covers(const HoldScope& scope, const HoldCandidate& candidate);

/// The same for a scope whose terms are sorted, as HoldIndex keeps them: a hold may name 100,000
/// people.
[[nodiscard]] bool covers_sorted(const HoldScope& scope, const HoldCandidate& candidate);

/// Which of the columns that holds ask about the log has.
struct AnsweredTerms {
  bool tenant = true;
  bool actor = true;
  bool subject = true;
};

/// The scope as it binds on a log with these columns: a kind of term that no row can answer is left
/// out, which widens the scope, because what cannot be told apart is kept. One that is left without
/// any term covers everything. A term on persons is answered by either column.
[[nodiscard]] HoldScope bound_to(HoldScope scope, const AnsweredTerms& columns);

/// The holds of the register that can matter at one moment, arranged so that looking a row up costs
/// the same for ten holds and for a hundred thousand.
class HoldIndex {
 public:
  HoldIndex() = default;
  /// Takes active holds and those released; the decision applies the grace. Sorts their terms.
  explicit HoldIndex(std::vector<LegalHold> holds);
  HoldIndex(const HoldIndex&) = delete;
  HoldIndex& operator=(const HoldIndex&) = delete;
  HoldIndex(HoldIndex&&) noexcept = default;
  HoldIndex& operator=(HoldIndex&&) noexcept = default;
  ~HoldIndex() = default;

  /// Calls `visit(const LegalHold&)` for each hold that covers the row, until it returns false. A
  /// hold on a person who is both actor and subject of the row may be visited twice.
  template <typename Visit>
  void for_each_match(const HoldCandidate& candidate, Visit visit) const;

  [[nodiscard]] const std::vector<LegalHold>& holds() const { return holds_; }
  [[nodiscard]] bool empty() const { return holds_.empty(); }
  [[nodiscard]] bool any_released() const { return any_released_; }

 private:
  using Places = std::vector<std::uint32_t>;
  using Lookup = TextMap<Places>;

  [[nodiscard]] static const Places* find(const Lookup& lookup,
                                          std::optional<std::string_view> value);
  void index_one(std::uint32_t place);
  template <typename Visit>
  [[nodiscard]] bool visit_places(const Places* places,
                                  const HoldCandidate& candidate,
                                  Visit& visit) const;

  std::vector<LegalHold> holds_;
  bool any_released_ = false;
  // Each hold stands under the values of its most selective kind of term, and only there.
  Lookup by_event_id_;
  Lookup by_actor_;
  Lookup by_subject_;
  Lookup by_code_;
  Lookup by_tenant_;
  Places others_;
};

/// Returns false where the visitor wants no more.
template <typename Visit>
bool HoldIndex::visit_places(const Places* places,
                             const HoldCandidate& candidate,
                             Visit& visit) const {
  return places == nullptr || std::all_of(places->begin(), places->end(), [&](std::uint32_t place) {
           return !covers_sorted(holds_[place].scope, candidate) || visit(holds_[place]);
         });
}

template <typename Visit>
void HoldIndex::for_each_match(const HoldCandidate& candidate, Visit visit) const {
  const RowFacts& row = *candidate.row;
  std::string id_text;
  std::optional<std::string_view> id;
  if (!by_event_id_.empty() && row.key != nullptr) {
    id_text = row.key->display();
    id = id_text;
  }
  // Empty where the code is unknown: a hold on the code "" covers such a row, as covers() has it.
  const std::optional<std::string_view> known = candidate.known_code;
  const Places* const by_known = row.code == known ? nullptr : find(by_code_, known);
  (void)(visit_places(find(by_event_id_, id), candidate, visit) &&
         visit_places(find(by_actor_, row.actor), candidate, visit) &&
         visit_places(find(by_subject_, row.subject), candidate, visit) &&
         visit_places(find(by_code_, row.code), candidate, visit) &&
         visit_places(by_known, candidate, visit) &&
         visit_places(find(by_tenant_, row.tenant), candidate, visit) &&
         visit_places(&others_, candidate, visit));
}

}  // namespace holdfast
