// SPDX-License-Identifier: Apache-2.0
#include "jobs/witness_line.h"

#include <future>
#include <iterator>
#include <span>
#include <system_error>
#include <utility>

#include "jobs/digest.h"
#include "jobs/json_text.h"

#include <tl/expected.hpp>

namespace holdfast {
namespace {

using nlohmann::json;

constexpr int kDeepest = 16;  // of what a line nests; a deeper one is none of ours
constexpr std::size_t kWorthAThread = 4'000;

/// JSON that is no deeper than a line may be; null where it is not.
json parse_flat(const std::string& text) {
  json value = nests_deeper(text, kDeepest)
                   ? json(nullptr)
                   : json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? json(nullptr) : value;
}

/// What stands between the hash of a line and its end: keys are sorted.
std::string behind_hash(const std::string& kind, const std::string& previous, std::int64_t seq) {
  return R"("kind":)" + compact(kind) + R"(,"previous":)" + compact(previous) + R"(,"seq":)" +
         std::to_string(seq) + "}";
}

std::string entry_of_hash(const std::string& hash) {
  return R"("hash":")" + hash + "\",";
}

bool has_shape(const json& object) {
  const auto is_text = [&object](const char* key) {
    return object.contains(key) && object.at(key).is_string();
  };
  return object.is_object() && object.size() == 6 && is_text("at") && is_text("kind") &&
         is_text("previous") && is_text("hash") && object.contains("body") &&
         object.at("body").is_object() && object.contains("seq") &&
         object.at("seq").is_number_integer();
}

bool is_withheld(const json& object) {
  return object.is_object() && object.size() == 4 && object.contains("seq") &&
         object.value("kind", json{}) == kWithheld && object.value("hash", json{}).is_string() &&
         object.value("previous", json{}).is_string();
}

/// The hash that a line in canonical form should have: of all of it but its entry "hash".
std::string hash_of_line(const WitnessLine& line, const std::string& previous) {
  const std::string tail = behind_hash(line.kind, previous, line.seq);
  const std::size_t entry = entry_of_hash(line.hash).size();
  Sha256 digest;
  digest.update(std::string_view(line.line).substr(0, line.line.size() - tail.size() - entry));
  digest.update(tail);
  return digest.hex();
}

tl::expected<WitnessLine, std::string> read_line(std::string text,
                                                 std::int64_t seq,
                                                 const std::string& previous) {
  const json object = parse_flat(text);
  const bool withheld = is_withheld(object);
  if (!withheld && !has_shape(object)) {
    return tl::unexpected<std::string>("it is not a line as holdfast writes them");
  }
  if (object.at("seq") != seq) {
    return tl::unexpected("its number is " + object.at("seq").dump() + " and not " +
                          std::to_string(seq));
  }
  if (object.at("previous") != previous) {
    return tl::unexpected<std::string>("it does not follow the line before it");
  }
  if (withheld) {
    return WitnessLine{.seq = seq,
                       .kind = std::string(kWithheld),
                       .line = std::move(text),
                       .hash = object.at("hash")};
  }
  const auto at = parse_rfc3339(object.at("at").get<std::string>());
  WitnessLine line{.seq = seq,
                   .at = at.value_or(Instant{}),
                   .kind = object.at("kind"),
                   .line = std::move(text),
                   .hash = object.at("hash")};
  if (!at || compact(object) != line.line || hash_of_line(line, previous) != line.hash) {
    return tl::unexpected<std::string>("its hash is not the one of what it says");
  }
  return line;
}

/// Reads on from a line that has the hash `previous`, and numbers from `first` on.
WitnessChain read_on(std::span<std::string> lines, std::int64_t first, std::string previous) {
  WitnessChain chain;
  chain.lines.reserve(lines.size());
  for (std::string& text : lines) {
    const auto seq = first + static_cast<std::int64_t>(chain.lines.size());
    auto line = read_line(std::move(text), seq, previous);
    if (!line) {
      chain.bad_line = seq;
      chain.fault = line.error();
      break;
    }
    previous = line->hash;
    chain.lines.push_back(*std::move(line));
  }
  return chain;
}

/// Reads a half in a thread of its own, where the system has one to give.
std::future<WitnessChain> read_aside(std::span<std::string> lines,
                                     std::int64_t first,
                                     const std::string& previous) {
  try {
    return std::async(std::launch::async, [=] { return read_on(lines, first, previous); });
  } catch (const std::system_error&) {
    return {};
  }
}

/// The hash that a line says it has.
std::string claimed_hash(const std::string& text) {
  const json object = parse_flat(text);
  return object.is_object() && object.contains("hash") && object.at("hash").is_string()
             ? object.at("hash").get<std::string>()
             : std::string{};
}

}  // namespace

WitnessLine next_witness_line(const std::optional<WitnessLine>& last, const WitnessNote& note) {
  const std::int64_t seq = last ? last->seq + 1 : 1;
  const std::string head =
      R"({"at":)" + compact(to_rfc3339(note.at)) + R"(,"body":)" + compact(note.body) + ",";
  const std::string tail =
      behind_hash(note.kind, last ? last->hash : std::string(kNoWitnessHash), seq);
  const std::string hash = sha256_hex(head + tail);
  return {.seq = seq,
          .at = note.at,
          .kind = note.kind,
          .line = head + entry_of_hash(hash) + tail,
          .hash = hash};
}

std::string withheld_line(const WitnessLine& line) {
  return compact({{"hash", line.hash},
                  {"kind", kWithheld},
                  {"previous", json::parse(line.line).at("previous")},
                  {"seq", line.seq}});
}

json witness_body(const WitnessLine& line) {
  return json::parse(line.line).value("body", json::object());
}

WitnessChain read_witness_chain(std::vector<std::string> lines) {
  const std::size_t half = lines.size() < kWorthAThread ? lines.size() : lines.size() / 2;
  const auto [head, tail] = std::pair{std::span{lines}.first(half), std::span{lines}.subspan(half)};
  const auto behind = static_cast<std::int64_t>(half) + 1;
  // The first half says in the end whether its last line has this hash indeed.
  const std::string between = tail.empty() ? std::string{} : claimed_hash(head.back());
  auto aside = tail.empty() ? std::future<WitnessChain>{} : read_aside(tail, behind, between);
  WitnessChain chain = read_on(head, 1, std::string(kNoWitnessHash));
  WitnessChain rest;
  if (aside.valid()) {
    rest = aside.get();
  } else if (chain.bad_line == 0) {
    rest = read_on(tail, behind, between);
  }
  if (chain.bad_line != 0) {
    return chain;
  }
  chain.lines.insert(chain.lines.end(),
                     std::make_move_iterator(rest.lines.begin()),
                     std::make_move_iterator(rest.lines.end()));
  chain.bad_line = rest.bad_line;
  chain.fault = std::move(rest.fault);
  return chain;
}

bool says_what_its_hash_says(const WitnessLine& line, const std::string& previous) {
  const auto read = read_line(line.line, line.seq, previous);
  return read && read->hash == line.hash && (read->kind == line.kind || read->kind == kWithheld);
}

}  // namespace holdfast
