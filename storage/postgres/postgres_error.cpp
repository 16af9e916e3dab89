// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_error.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace holdfast {
namespace {

struct Meaning {
  std::string_view state;  // whole, or its class: the first two letters
  StorageTrouble trouble;
  std::string_view what;
  std::string_view what_to_do;
};

// The first that fits speaks: whole states stand before their class.
constexpr std::array<Meaning, 32> kMeanings = {{
    {"",
     StorageTrouble::other,
     "the connection to the server was lost",
     "what was not committed is taken back; see that the server runs and can be reached, then run again"},
    {"3D000",
     StorageTrouble::missing,
     "there is no such database",
     "check [database].url; Holdfast makes no PostgreSQL database, only its own tables in one"},
    {"55P03",
     StorageTrouble::busy,
     "a lock was not had in time",
     "find the session that keeps a transaction open (pg_stat_activity), then run again"},
    {"40P01",
     StorageTrouble::busy,
     "another session and Holdfast waited for each other",
     "the step that failed was taken back: run again"},
    {"40001",
     StorageTrouble::busy,
     "another session changed the same rows",
     "the step that failed was taken back: run again"},
    {"40003",
     StorageTrouble::other,
     "it is not known whether the last step was committed",
     "run again: the ledger tells"},
    {"57014",
     StorageTrouble::busy,
     "the server cancelled a statement",
     "the step that failed was taken back: see statement_timeout and who cancelled it, then run again"},
    {"25P03",
     StorageTrouble::other,
     "the server ended a transaction that stood idle",
     "the step that failed was taken back: see what held Holdfast up, then run again"},
    {"25006",
     StorageTrouble::read_only,
     "the server takes no writes here",
     "a standby, or default_transaction_read_only: connect to the primary"},
    {"42501",
     StorageTrouble::read_only,
     "the server does not permit it",
     "grant the role of [database].url what is missing (\"holdfast check\" helps), then run again"},
    {"26000",
     StorageTrouble::other,
     "the server's session is not the one that this command began with",
     "a connection pooler hands sessions out by transaction; connect directly, or pool by session"},
    {"42P05",
     StorageTrouble::other,
     "the server's session is another command's too",
     "a connection pooler hands sessions out by transaction; connect directly, or pool by session"},
    {"42P01",
     StorageTrouble::other,
     "a table is not there",
     "see who has changed the schema, and check [events]"},
    {"42703",
     StorageTrouble::other,
     "a column is not there",
     "see who has changed the schema, and check [events]"},
    {"22021",
     StorageTrouble::other,
     "a text cannot be stored in this database",
     "PostgreSQL stores no NUL and only what its encoding knows; nothing was changed"},
    {"22P05",
     StorageTrouble::other,
     "a text cannot be stored in this database",
     "PostgreSQL stores no NUL and only what its encoding knows; nothing was changed"},
    {"53100",
     StorageTrouble::full,
     "the server's disk is full",
     "the step that failed was taken back: make room, then run again"},
    {"53",
     StorageTrouble::other,
     "the server lacks memory or connections",
     "the step that failed was taken back: run again when it has them"},
    {"54",
     StorageTrouble::other,
     "a limit of the server was met",
     "the step that failed was taken back"},
    {"58",
     StorageTrouble::other,
     "the server could not read or write its files",
     "check its disk and its log; the step that failed was taken back"},
    {"XX001",
     StorageTrouble::corrupt,
     "a table is damaged",
     "restore a backup; the step that met the damage was taken back and deleted nothing"},
    {"XX002",
     StorageTrouble::corrupt,
     "an index is damaged",
     "REINDEX it, and find out why; the step that met the damage was taken back and deleted nothing"},
    {"57P",
     StorageTrouble::other,
     "the server is shutting down or starting",
     "what was not committed is taken back; run again when it is up"},
    {"57",
     StorageTrouble::other,
     "somebody ended the session",
     "what was not committed is taken back; run again"},
    {"28",
     StorageTrouble::other,
     "the server does not let this role in",
     "check [database].url, pg_hba.conf, and the password file that PGPASSFILE names"},
    {"08P01",
     StorageTrouble::other,
     "the server did not understand Holdfast",
     "the step that failed was taken back"},
    {"08001",
     StorageTrouble::other,
     "the server could not be reached",
     "nothing was done; see that it runs and that [database].url names it, then run again"},
    {"08",
     StorageTrouble::other,
     "the connection to the server was lost",
     "what was not committed is taken back; see that the server runs and can be reached, then run again"},
    {"22",
     StorageTrouble::other,
     "a value is none that the server can use there",
     "the step that failed was taken back: see what is in the columns that [events] names"},
    {"23",
     StorageTrouble::other,
     "a constraint of a table stands against it",
     "the step that failed was taken back"},
    {"P0",
     StorageTrouble::other,
     "a trigger or a function of the database refused",
     "the step that failed was taken back: see the triggers (\"holdfast check\" names them)"},
    {"0A",
     StorageTrouble::other,
     "the server cannot do that",
     "where a table was changed while Holdfast was at work, run again: it looks anew"},
}};

bool fits(const Meaning& meaning, std::string_view state) {
  return meaning.state.empty() ? state.empty()
                               : state.substr(0, meaning.state.size()) == meaning.state;
}

// The server's own messages of these classes name tables, columns, roles and settings, and no
// value. All others may: "invalid input syntax for type bigint: ...", or whatever a trigger says.
constexpr std::array<std::string_view, 19> kWithoutValues = {"08",
                                                             "0A",
                                                             "21",
                                                             "25",
                                                             "26",
                                                             "28",
                                                             "2B",
                                                             "34",
                                                             "3D",
                                                             "3F",
                                                             "40",
                                                             "42",
                                                             "53",
                                                             "54",
                                                             "55",
                                                             "57",
                                                             "58",
                                                             "XX",
                                                             ""};

bool may_quote_values(std::string_view state) {
  return std::find(kWithoutValues.begin(), kWithoutValues.end(), state.substr(0, 2)) ==
         kWithoutValues.end();
}

/// One line: libpq's messages may have several, and end with an empty one.
std::string one_line(const std::string& said) {
  std::string out;
  for (const char letter : said) {
    const bool gap = letter == '\n' || letter == '\t' || letter == ' ' || letter == '\r';
    if (!gap) {
      out += letter;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ') {
    out.pop_back();
  }
  return out;
}

}  // namespace

PostgresError postgres_error(const std::string& path,
                             const std::string& state,
                             const std::string& said) {
  const auto* const meaning = std::find_if(
      kMeanings.begin(), kMeanings.end(), [&](const Meaning& one) { return fits(one, state); });
  const std::string words =
      (may_quote_values(state) ? "its words may quote a row and are only in the server's log"
                               : one_line(said)) +
      (state.empty() ? "" : ", " + state);
  if (meaning == kMeanings.end()) {
    return {StorageTrouble::other, state, path + ": the server said: " + words};
  }
  return {meaning->trouble,
          state,
          path + ": " + std::string{meaning->what} + " (" + words +
              "): " + std::string{meaning->what_to_do}};
}

}  // namespace holdfast
