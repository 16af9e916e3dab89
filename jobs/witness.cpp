// SPDX-License-Identifier: Apache-2.0
#include "jobs/witness.h"

#include <algorithm>
#include <array>

#include "jobs/job_error.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "holdfast-witness/1";

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
  std::string previous{kNoWitnessHash};
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
