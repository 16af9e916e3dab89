// SPDX-License-Identifier: Apache-2.0
#include "jobs/witness_hold.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <tuple>

#include "jobs/digest.h"
#include "jobs/erasure_keys.h"
#include "jobs/json_object_text.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

json exact(const std::string& text) {
  return utf8_text(text) == text ? json(text) : json{{"hex", hex_of_bytes(text)}};
}

std::string text_of(const json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  return bytes_of_hex(value.at("hex").get<std::string>()).value_or(std::string{});
}

json exact(const std::vector<std::string>& words) {
  json list = json::array();
  for (const std::string& word : words) {
    list.push_back(exact(word));
  }
  return list;
}

/// What compact() makes of exact().
void add_exact(const std::string& text, std::string& out) {
  if (is_utf8(text)) {
    add_json_text(text, out);
  } else {
    JsonObjectText bytes{out};
    bytes.text("hex", hex_of_bytes(text));
    bytes.end();
  }
}

void add_exact(const std::optional<Instant>& instant, std::string& out) {
  out += instant ? std::to_string(to_unix_ms(*instant)) : "null";
}

void add_exact(const std::vector<std::string>& words, std::string& out) {
  add_json_array(words, out, [](const std::string& word, std::string& to) { add_exact(word, to); });
}

void add_scope(const HoldScope& scope, std::string& out) {
  JsonObjectText object{out};
  add_exact(scope.actors, object.key("actors"));
  add_exact(scope.categories, object.key("categories"));
  add_exact(scope.category_codes, object.key("category_codes"));
  add_exact(scope.codes, object.key("codes"));
  add_exact(scope.event_ids, object.key("event_ids"));
  object.flag("everything", scope.everything);
  add_exact(scope.from, object.key("from_ms"));
  add_exact(scope.persons, object.key("persons"));
  add_exact(scope.subjects, object.key("subjects"));
  add_exact(scope.tenants, object.key("tenants"));
  add_exact(scope.until, object.key("until_ms"));
  object.end();
}

std::vector<std::string> words_of(const json& list) {
  std::vector<std::string> words;
  for (const json& word : list) {
    words.push_back(text_of(word));
  }
  return words;
}

json exact(const std::optional<Instant>& instant) {
  return instant ? json(to_unix_ms(*instant)) : json(nullptr);
}

std::optional<Instant> instant_of(const json& value) {
  return value.is_null() ? std::nullopt : std::optional{from_unix_ms(whole_number(value))};
}

std::vector<std::string> sorted(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

enum class Words { names, tokens };

std::vector<std::string> only(Words wanted, const std::vector<std::string>& words) {
  std::vector<std::string> found;
  std::copy_if(words.begin(), words.end(), std::back_inserter(found), [wanted](const auto& word) {
    return is_erasure_token(word) == (wanted == Words::tokens);
  });
  return sorted(std::move(found));
}

/// What a scope says of anything but persons.
auto impersonal(const HoldScope& scope) {
  return std::tuple{sorted(scope.tenants),
                    sorted(scope.categories),
                    sorted(scope.category_codes),
                    sorted(scope.codes),
                    sorted(scope.event_ids),
                    scope.from,
                    scope.until,
                    scope.everything};
}

auto names_of(const HoldScope& scope) {
  return std::tuple{only(Words::names, scope.persons),
                    only(Words::names, scope.actors),
                    only(Words::names, scope.subjects)};
}

bool has_tokens_of(const HoldScope& whole, const HoldScope& part) {
  const auto among = [](const std::vector<std::string>& all, const std::vector<std::string>& some) {
    const auto many = only(Words::tokens, all);
    const auto few = only(Words::tokens, some);
    return std::includes(many.begin(), many.end(), few.begin(), few.end());
  };
  return among(whole.persons, part.persons) && among(whole.actors, part.actors) &&
         among(whole.subjects, part.subjects);
}

bool same_persons(const LegalHold& witnessed, const LegalHold& now) {
  if (witnessed.id != now.id) {
    return names_of(witnessed.scope) == names_of(now.scope) &&
           has_tokens_of(now.scope, witnessed.scope);
  }
  return witnessed.released_at || now.released_at ||
         names_of(witnessed.scope) == names_of(now.scope);
}

}  // namespace

json witnessed_hold(const LegalHold& hold) {
  const HoldScope& scope = hold.scope;
  return {{"hold", hold.id},
          {"matter", exact(hold.matter)},
          {"reason", exact(hold.reason)},
          {"basis", exact(hold.basis)},
          {"kind", to_token(hold.kind)},
          {"locked", hold.locked},
          {"placed_by", exact(hold.placed_by)},
          {"placed_at_ms", to_unix_ms(hold.placed_at)},
          {"review_by_ms", exact(hold.review_by)},
          {"released_at_ms", exact(hold.released_at)},
          {"released_by", exact(hold.released_by)},
          {"release_reason", exact(hold.release_reason)},
          {"scope",
           {{"tenants", exact(scope.tenants)},
            {"persons", exact(scope.persons)},
            {"actors", exact(scope.actors)},
            {"subjects", exact(scope.subjects)},
            {"categories", exact(scope.categories)},
            {"category_codes", exact(scope.category_codes)},
            {"codes", exact(scope.codes)},
            {"event_ids", exact(scope.event_ids)},
            {"from_ms", exact(scope.from)},
            {"until_ms", exact(scope.until)},
            {"everything", scope.everything}}}};
}

std::string witnessed_hold_text(const LegalHold& hold) {
  std::string out;
  JsonObjectText object{out};
  add_exact(hold.basis, object.key("basis"));
  object.number("hold", hold.id);
  object.text("kind", to_token(hold.kind));
  object.flag("locked", hold.locked);
  add_exact(hold.matter, object.key("matter"));
  object.number("placed_at_ms", to_unix_ms(hold.placed_at));
  add_exact(hold.placed_by, object.key("placed_by"));
  add_exact(hold.reason, object.key("reason"));
  add_exact(hold.release_reason, object.key("release_reason"));
  add_exact(hold.released_at, object.key("released_at_ms"));
  add_exact(hold.released_by, object.key("released_by"));
  add_exact(hold.review_by, object.key("review_by_ms"));
  add_scope(hold.scope, object.key("scope"));
  object.end();
  return out;
}

bool HoldInLine::is(const LegalHold& hold) const {
  constexpr std::size_t kHashLetters = 64;
  const std::string now =
      witnessed_hold_text(hold) + R"(},"hash":")" + line->hash + R"(","kind":"hold","previous":")";
  const std::string end = R"(","seq":)" + std::to_string(line->seq) + "}";
  return text.size() == now.size() + kHashLetters + end.size() &&
         text.substr(0, now.size()) == now && text.substr(text.size() - end.size()) == end &&
         text.find_first_not_of("0123456789abcdef", now.size()) == now.size() + kHashLetters;
}

std::optional<HoldInLine> hold_in_line(const WitnessLine& line) {
  // Inside of a text each quote has a backslash before it, so none of these can stand in one.
  constexpr std::string_view kDeed = R"(,"body":{"deed":")";
  constexpr std::string_view kHold = R"(","hold":)";
  constexpr std::string_view kNumber = R"(,"hold":)";
  constexpr std::string_view kBegin = R"({"at":")";
  const std::string_view whole = line.line;
  const std::size_t deed =
      whole.substr(0, kBegin.size()) == kBegin ? whole.find(kDeed) : std::string_view::npos;
  const std::size_t before = deed == std::string_view::npos ? deed : whole.find(kHold, deed);
  if (before == std::string_view::npos) {
    return std::nullopt;
  }
  HoldInLine found{.line = &line, .text = whole.substr(before + kHold.size())};
  const std::size_t number = found.text.find(kNumber);
  if (number == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view digits = found.text.substr(number + kNumber.size());
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), found.id);
  return read.ec == std::errc{} ? std::optional{found} : std::nullopt;
}

LegalHold hold_of_witness(const json& body) {
  const json& scope = body.at("scope");
  LegalHold hold{
      .id = whole_number(body.at("hold")),
      .matter = text_of(body.at("matter")),
      .reason = text_of(body.at("reason")),
      .basis = text_of(body.at("basis")),
      .kind = parse_hold_kind(body.at("kind").get<std::string>()).value_or(HoldKind::legal),
      .locked = body.at("locked")};
  hold.scope = {.tenants = words_of(scope.at("tenants")),
                .persons = words_of(scope.at("persons")),
                .actors = words_of(scope.at("actors")),
                .subjects = words_of(scope.at("subjects")),
                .categories = words_of(scope.at("categories")),
                .category_codes = words_of(scope.at("category_codes")),
                .codes = words_of(scope.at("codes")),
                .event_ids = words_of(scope.at("event_ids")),
                .from = instant_of(scope.at("from_ms")),
                .until = instant_of(scope.at("until_ms")),
                .everything = scope.at("everything")};
  hold.placed_by = text_of(body.at("placed_by"));
  hold.placed_at = from_unix_ms(whole_number(body.at("placed_at_ms")));
  hold.review_by = instant_of(body.at("review_by_ms"));
  hold.released_at = instant_of(body.at("released_at_ms"));
  hold.released_by = text_of(body.at("released_by"));
  hold.release_reason = text_of(body.at("release_reason"));
  return hold;
}

bool as_witnessed(const LegalHold& witnessed, const LegalHold& now) {
  return placed_as_one(witnessed, now) && witnessed.review_by == now.review_by &&
         witnessed.released_at == now.released_at;
}

bool placed_as_one(const LegalHold& witnessed, const LegalHold& now) {
  const auto origin = [](const LegalHold& hold) {
    return std::tie(hold.matter,
                    hold.reason,
                    hold.basis,
                    hold.kind,
                    hold.locked,
                    hold.placed_by,
                    hold.placed_at);
  };
  return origin(witnessed) == origin(now) && impersonal(witnessed.scope) == impersonal(now.scope) &&
         same_persons(witnessed, now);
}

}  // namespace holdfast
