// SPDX-License-Identifier: Apache-2.0
// What holds are asked for by, and codes. The index of holds finds what each hold covers by itself,
// a hold whose terms cannot be answered covers more and never less, a hold reads back from the
// witness file, and a list of codes that is refused changes nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/hold_document.h"
#include "jobs/witness_hold.h"
#include "policy/catalogue.h"
#include "policy/legal_hold.h"
#include "policy/spelling.h"
#include "tests/fuzz/fuzz_input.h"

#include <nlohmann/json.hpp>

using namespace holdfast;
using namespace holdfast::fuzzing;

namespace {

// Few words, so that holds and rows meet.
constexpr std::string_view kWords[] = {"", "acme", "u-1", "u-2", "account", "7", "ACCOUNT_LOGIN"};

std::string word(FuzzInput& input) {
  const std::size_t which = input.below(std::size(kWords) + 1);
  return std::string{which < std::size(kWords) ? kWords[which] : input.text()};
}

std::optional<Instant> some_time(FuzzInput& input) {
  if (input.yes()) {
    return std::nullopt;
  }
  return from_unix_ms(input.byte());
}

void add_words(FuzzInput& input, std::vector<std::string>& words) {
  for (std::size_t more = input.below(3); more > 0; --more) {
    words.push_back(word(input));
  }
}

HoldScope drawn_scope(FuzzInput& input) {
  HoldScope scope;
  for (auto* const words : {&scope.tenants,
                            &scope.persons,
                            &scope.actors,
                            &scope.subjects,
                            &scope.categories,
                            &scope.category_codes,
                            &scope.codes,
                            &scope.event_ids}) {
    if (input.below(4) == 0) {
      add_words(input, *words);
    }
  }
  scope.from = some_time(input);
  scope.until = some_time(input);
  scope.everything = input.below(16) == 0;
  return scope;
}

LegalHold drawn_hold(FuzzInput& input, std::int64_t id) {
  LegalHold hold{.id = id, .matter = word(input), .reason = word(input), .scope = {}};
  hold.kind = input.yes() ? HoldKind::legal : HoldKind::restriction;
  hold.locked = input.yes();
  hold.scope = drawn_scope(input);
  hold.placed_by = word(input);
  hold.review_by = some_time(input);
  hold.released_at = some_time(input);
  return hold;
}

/// A row that owns its texts.
struct DrawnRow {
  explicit DrawnRow(FuzzInput& input) {
    for (std::string& text : texts) {
      text = word(input);
    }
    key = RowKey::integer(input.byte());
    facts.key = &key;
    facts.code = some(input, texts[0]);
    facts.tenant = some(input, texts[1]);
    facts.actor = some(input, texts[2]);
    facts.subject = some(input, texts[3]);
    facts.stored_category = some(input, texts[4]);
    candidate = {.row = &facts,
                 .time = some_time(input),
                 .own_category = texts[4],
                 .category = texts[5],
                 .own_category_name = texts[6],
                 .category_name = texts[7],
                 .known_code = texts[8]};
  }
  DrawnRow(const DrawnRow&) = delete;
  DrawnRow& operator=(const DrawnRow&) = delete;
  DrawnRow(DrawnRow&&) = delete;
  DrawnRow& operator=(DrawnRow&&) = delete;
  ~DrawnRow() = default;

  static std::optional<std::string_view> some(FuzzInput& input, const std::string& text) {
    return input.below(4) == 0 ? std::nullopt : std::optional<std::string_view>{text};
  }

  std::string texts[9];
  RowKey key;
  RowFacts facts;
  HoldCandidate candidate;
};

void check_matches(FuzzInput& input) {
  std::vector<LegalHold> holds;
  for (std::int64_t id = 1; id <= 1 + static_cast<std::int64_t>(input.below(6)); ++id) {
    holds.push_back(drawn_hold(input, id));
  }
  const DrawnRow row(input);
  std::set<std::int64_t> covering;
  for (const LegalHold& hold : holds) {
    if (covers(hold.scope, row.candidate)) {
      covering.insert(hold.id);
    }
    const AnsweredTerms columns{
        .tenant = input.yes(), .actor = input.yes(), .subject = input.yes()};
    require(
        !covers(hold.scope, row.candidate) || covers(bound_to(hold.scope, columns), row.candidate),
        "a hold of which less can be asked covers no less");
  }
  std::set<std::int64_t> found;
  const HoldIndex index(holds);
  index.for_each_match(row.candidate, [&found](const LegalHold& hold) {
    found.insert(hold.id);
    return true;
  });
  require(found == covering, "the index finds every hold that covers a row, and no other");
}

void check_witness(FuzzInput& input) {
  const LegalHold hold = drawn_hold(input, input.byte());
  const nlohmann::json body = nlohmann::json::parse(witnessed_hold(hold).dump());
  const LegalHold again = hold_of_witness(body);
  require(again.id == hold.id && again.matter == hold.matter && again.reason == hold.reason &&
              again.kind == hold.kind && again.locked == hold.locked &&
              again.placed_by == hold.placed_by && again.review_by == hold.review_by &&
              again.released_at == hold.released_at,
          "a hold reads back from the witness file");
  require(again.scope == hold.scope, "a scope reads back from the witness file");
  require(as_witnessed(again, hold) && placed_as_one(again, hold), "a hold is what it was");
  const auto without = hold_json(hold, HoldDetail::without_names).at("covers");
  for (const char* const people : {"person", "actor", "subject"}) {
    require(without.at(people).is_number(), "where names are left out people are counted");
  }
}

void check_written(const std::string& text) {
  const auto body = nlohmann::json::parse(text, nullptr, false);
  if (body.is_discarded()) {
    return;
  }
  try {
    const LegalHold hold = hold_of_witness(body);
    require(hold_of_witness(witnessed_hold(hold)).scope == hold.scope, "a scope reads back");
  } catch (const nlohmann::json::exception&) {
    return;
  }
}

void check_codes(const std::string& text) {
  Catalogue catalogue = Catalogue::built_in();
  const std::size_t before = catalogue.codes().size();
  const auto extended = catalogue.extend(text);
  require(extended || catalogue.codes().size() == before, "a list that is refused adds nothing");
  require(catalogue.codes().size() >= before, "no code is lost");
  for (const AuditCode& code : catalogue.codes()) {
    const AuditCode* const found = catalogue.find(code.code);
    require(found != nullptr && found->code == code.code, "each code is found by its name");
    require(catalogue.find_category(code.category) != nullptr, "each code has a category");
  }
  const std::string alias = text.substr(0, text.find('\n'));
  if (catalogue.add_alias(alias, catalogue.codes().back().code)) {
    const AuditCode* const meant = catalogue.find(alias);
    require(meant != nullptr && meant->code == catalogue.codes().back().code,
            "an alias stands for its code");
  }
  std::vector<std::string> slugs;
  for (const AuditCategory& category : catalogue.categories()) {
    slugs.push_back(category.slug);
  }
  const auto near = nearest_spelling(alias.substr(0, 64), slugs);
  require(!near || std::find(slugs.begin(), slugs.end(), *near) != slugs.end(),
          "what is proposed is there");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  switch (input.below(4)) {
    case 0:
      check_matches(input);
      break;
    case 1:
      check_witness(input);
      break;
    case 2:
      check_written(std::string{input.rest()});
      break;
    default:
      check_codes(std::string{input.rest()});
  }
  return 0;
}
