// SPDX-License-Identifier: Apache-2.0
#include "jobs/witness.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"

#include <tl/expected.hpp>

namespace holdfast {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "holdfast-witness/1";
constexpr int kDeepest = 16;  // of what a line nests; a deeper one is none of ours
const std::string kNoHash(64, '0');

constexpr std::array<std::string_view, 8> kStates = {"in_step",
                                                     "repaired",
                                                     "restored_backup",
                                                     "witness_differs",
                                                     "witness_missing",
                                                     "witness_damaged",
                                                     "witness_of_another_database",
                                                     "witness_unreadable"};

constexpr const char* kNewWitness =
    "have an administrator look at it and type \"holdfast recover --new-witness\", which begins a "
    "new file from what the database knows";

/// Whether brackets nest deeper than those of a line do: found out before anything is made of them.
bool is_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (in_string) {
      at += letter == '\\' ? 1 : 0;
      in_string = letter != '"';
      continue;
    }
    in_string = letter == '"';
    depth += letter == '{' || letter == '[' ? 1 : 0;
    depth -= letter == '}' || letter == ']' ? 1 : 0;
    if (depth > kDeepest) {
      return true;
    }
  }
  return false;
}

/// JSON that is no deeper than a line may be; null where it is not.
json parse_flat(const std::string& text) {
  json value =
      is_deep(text) ? json(nullptr) : json::parse(text, nullptr, /*allow_exceptions=*/false);
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

std::string rows_of(std::int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

/// Whether the first line names this database.
bool names_database(const WitnessChain& chain, Database& database) {
  const WitnessLine& first = chain.lines.front();
  return first.kind == kWitnessOfDatabase &&
         witness_body(first).value("database_id", std::string{}) == database.identity();
}

std::vector<WitnessLine> lines_from(const WitnessChain& chain, std::int64_t seq) {
  std::vector<WitnessLine> lines;
  std::copy_if(chain.lines.begin(),
               chain.lines.end(),
               std::back_inserter(lines),
               [seq](const WitnessLine& line) { return line.seq >= seq; });
  return lines;
}

/// The first number at which file and outbox say different things; 0 where all that both have is
/// the same.
std::int64_t first_difference(WitnessOutbox& outbox, const WitnessChain& chain) {
  const auto same = [&](std::int64_t seq) {
    const auto known = outbox.find(seq);
    return known && known->hash == chain.lines[static_cast<std::size_t>(seq - 1)].hash;
  };
  const auto last = outbox.last();
  const std::int64_t common =
      std::min(last ? last->seq : 0, static_cast<std::int64_t>(chain.lines.size()));
  if (common == 0 || same(common)) {
    return 0;  // each line holds the hash of the one before: the earlier ones are the same as well
  }
  std::int64_t seq = 1;
  while (same(seq)) {
    ++seq;
  }
  return seq;
}

/// The first line of the file without its text that the outbox does not have in just that way; 0:
/// none. Nothing can be checked of such a line, so the file alone is not believed.
std::int64_t first_withheld_alone(WitnessOutbox& outbox, const WitnessChain& chain) {
  for (const WitnessLine& line : chain.lines) {
    if (line.kind != kWithheld) {
      continue;
    }
    const auto known = outbox.find(line.seq);
    if (!known || known->line != line.line) {
      return line.seq;
    }
  }
  return 0;
}

/// Whether what the outbox says of a line, and where, is what its hash was made of.
bool says_what_its_hash_says(const WitnessLine& line, const std::string& previous) {
  const auto read = read_line(line.line, line.seq, previous);
  return read && read->hash == line.hash && (read->kind == line.kind || read->kind == kWithheld);
}

WitnessComparison& say(WitnessComparison& found, WitnessState state, std::string sentence) {
  found.state = state;
  found.sentence = std::move(sentence);
  return found;
}

WitnessComparison& say_restored(WitnessComparison& found, const std::string& name) {
  const auto lines = static_cast<std::int64_t>(found.lost.size());
  const std::string since = to_rfc3339(found.lost.front().at);
  return say(found,
             WitnessState::restored_backup,
             name + " knows " + rows_of(lines, "entry", "entries") +
                 " that this database has forgotten, the first of " + since +
                 ": a backup was restored; have an administrator type \"holdfast recover\", which "
                 "puts back the holds and erasures that the backup does not know");
}

/// Puts into words how the lines of a file stand to the outbox.
WitnessComparison& judge(Database& database,
                         WitnessChain& chain,
                         const std::string& name,
                         WitnessComparison& found) {
  WitnessOutbox& outbox = database.witness_outbox();
  const auto last = outbox.last();
  found.in_file = static_cast<std::int64_t>(chain.lines.size());
  found.in_database = last ? last->seq : 0;
  found.last_hash = chain.lines.empty() ? std::string{} : chain.lines.back().hash;
  if (!found.file_exists && last) {
    return say(found,
               WitnessState::missing,
               name + " is gone, and this database has put " + rows_of(last->seq, "line", "lines") +
                   " into it: put it back, mount its folder, or move it to where [witness].file "
                   "says (without: beside the database); if it is lost, " +
                   kNewWitness);
  }
  if (!chain.lines.empty() && !names_database(chain, database)) {
    return say(found,
               WitnessState::another_database,
               name +
                   " is another database's witness: set [witness].file right; if this was made " +
                   "anew in the other one's place, " + kNewWitness);
  }
  const std::int64_t difference = first_difference(outbox, chain);
  found.lost = lines_from(chain, difference == 0 ? found.in_database + 1 : difference);
  if (const std::int64_t withheld = first_withheld_alone(outbox, chain); withheld != 0) {
    chain.bad_line = withheld;  // the lines after it can be read all the same
    chain.fault = "its text was taken out, and the database has not taken it out";
  }
  if (chain.bad_line != 0) {
    found.line = chain.bad_line;
    return say(found,
               WitnessState::damaged,
               name + ", line " + std::to_string(chain.bad_line) + ": " + chain.fault +
                   ": somebody has changed the file, or the disk has: put the file back from a "
                   "backup that is newer than the last run, or " +
                   kNewWitness);
  }
  if (difference != 0) {
    found.line = difference;
    return say(found,
               WitnessState::differs,
               name + ", line " + std::to_string(difference) +
                   ": says something else than the database does: a copy of this database has "
                   "used the same file, or one of the two was rewritten; " +
                   kNewWitness);
  }
  if (!found.lost.empty()) {
    return say_restored(found, name);
  }
  found.lacking = outbox.since(found.in_file);
  found.state = found.lacking.empty() ? WitnessState::in_step : WitnessState::repaired;
  return found;
}

/// What a file lacks that is as it was when it was compared.
std::vector<WitnessLine> still_lacking(Database& database,
                                       const WitnessComparison& before,
                                       const std::string& name) {
  WitnessOutbox& outbox = database.witness_outbox();
  const auto known = outbox.find(before.in_file);
  if (before.in_file > 0 && (!known || known->hash != before.last_hash)) {
    throw JobError(ExitStatus::refused,
                   name + ", line " + std::to_string(before.in_file) +
                       ": the database says something else than it did a moment ago");
  }
  return outbox.since(before.in_file);
}

}  // namespace

std::string_view to_token(WitnessState state) {
  return kStates.at(static_cast<std::size_t>(state));
}

WitnessLine next_witness_line(const std::optional<WitnessLine>& last, const WitnessNote& note) {
  const std::int64_t seq = last ? last->seq + 1 : 1;
  const std::string head =
      R"({"at":)" + compact(to_rfc3339(note.at)) + R"(,"body":)" + compact(note.body) + ",";
  const std::string tail = behind_hash(note.kind, last ? last->hash : kNoHash, seq);
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
  WitnessChain chain;
  std::string previous = kNoHash;
  for (std::string& text : lines) {
    const auto seq = static_cast<std::int64_t>(chain.lines.size()) + 1;
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

WitnessComparison compare_witness(Database& database, WitnessText text, const std::string& name) {
  WitnessComparison found{.file_exists = text.exists};
  if (!database.is_set_up()) {
    return found;
  }
  WitnessChain chain = read_witness_chain(std::move(text.lines));
  found.fingerprint = std::move(text.fingerprint);
  judge(database, chain, name, found);
  found.lines = std::move(chain.lines);
  return found;
}

WitnessComparison compare_witness(Database& database, Witness& witness) {
  WitnessText text;
  try {
    text = witness.read();
  } catch (const JobError& error) {
    WitnessComparison found{.file_exists = true};
    return say(found, WitnessState::unreadable, error.what());
  }
  return compare_witness(database, std::move(text), witness.name());
}

std::int64_t first_rewritten_line(WitnessOutbox& outbox, const std::vector<WitnessLine>& file) {
  std::int64_t seq = 0;
  std::string previous = kNoHash;
  for (const WitnessLine& line : outbox.since(0)) {
    ++seq;
    const auto place = static_cast<std::size_t>(seq - 1);
    const bool as_in_file = place >= file.size() || file[place].hash == line.hash;
    if (line.seq != seq || !as_in_file || !says_what_its_hash_says(line, previous)) {
      return seq;
    }
    previous = line.hash;
  }
  return 0;
}

void witness_note(Database& database, const WitnessNote& note) {
  WitnessOutbox& outbox = database.witness_outbox();
  auto last = outbox.last();
  if (!last) {
    last = next_witness_line(std::nullopt,
                             {.at = note.at,
                              .kind = std::string(kWitnessOfDatabase),
                              .body = {{"database_id", database.identity()}, {"format", kFormat}}});
    outbox.add(*last);
  }
  outbox.add(next_witness_line(last, note));
}

void flush_witness(Database& database, Witness& witness, const WitnessComparison& before) {
  witness.append(before.fingerprint, [&](WitnessText text) {
    std::vector<WitnessLine> lacking;
    if (text.as_before) {
      lacking = still_lacking(database, before, witness.name());
    } else {
      WitnessComparison found = compare_witness(database, std::move(text), witness.name());
      if (!found.agrees()) {
        throw JobError(ExitStatus::refused, found.sentence);
      }
      lacking = std::move(found.lacking);
    }
    std::vector<std::string> lines;
    std::transform(lacking.begin(), lacking.end(), std::back_inserter(lines), [](auto& line) {
      return std::move(line.line);
    });
    return lines;
  });
}

}  // namespace holdfast
