// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "jobs/cli/render.h"
#include "jobs/json_text.h"

namespace holdfast {

using nlohmann::json;

namespace {

/// What a VACUUM of a server came to.
std::string what_was_freed(const json& result) {
  const json& left = result.at("rows_not_freed");
  if (left.is_null()) {
    return "the server keeps no statistics (track_counts), so what it has freed is not known; ";
  }
  if (left != 0) {
    return left.dump() +
           " deleted rows still take up room, because a transaction, a replication slot or a "
           "standby may yet look at them: end that, and run this again; ";
  }
  return "what deleted rows took up is free for new ones; ";
}

}  // namespace

std::string render_verify(const json& findings) {
  std::string text;
  for (const auto& [part, figures] : findings.at("checked").items()) {
    text += part + ":";
    for (const auto& [name, value] : figures.items()) {
      text += " " + name + "=" + plain_lines(cell(value));
    }
    text += "\n";
  }
  for (const json& note : findings.at("notes")) {
    text += "note: " + plain_lines(cell(note)) + "\n";
  }
  for (const json& problem : findings.at("problems")) {
    text += "DOES NOT HOLD: " + plain_lines(cell(problem.at("part"))) + ", " +
            plain_lines(cell(problem.at("reason"))) + ": " +
            plain_lines(cell(problem.at("message"))) + "\n";
  }
  return text + (findings.at("ok").get<bool>()
                     ? "verified: everything that was checked holds\n"
                     : std::to_string(findings.at("problems").size()) +
                           " things do not hold; start with the first: nothing after it can be "
                           "relied on until it is explained\n");
}

std::string render_vacuum(const json& result) {
  const std::string bytes = result.at("file_bytes_before").dump() + " bytes before, " +
                            result.at("file_bytes_after").dump() + " after; " +
                            result.at("rows").dump() + " rows of the log before and after\n";
  if (result.at("statement").is_string()) {
    return plain_lines(cell(result.at("statement"))) + ": " + what_was_freed(result) +
           "the database has " + bytes;
  }
  return "wrote the file anew: " + bytes +
         (result.at("wal_emptied").get<bool>()
              ? ""
              : "a reader kept the write-ahead log from being emptied: run it again when no other "
                "program has the database open\n");
}

}  // namespace holdfast
