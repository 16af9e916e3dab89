// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/console.h"
#include "jobs/cli/render.h"

namespace holdfast {

using nlohmann::json;

std::string render_export(const json& result) {
  const json& line = result.at("export");
  std::string text = "export " + line.at("id").dump() + ": " + cell(line.at("state")) +
                     "\nsubject " + cell(line.at("subject")) + " of tenant " +
                     cell(line.at("tenant"), "(none)") + "\nrequested by " +
                     cell(line.at("requested_by")) + ", " + cell(line.at("requested_at")) + "\n";
  if (!line.at("made_at").is_null()) {
    text += "made by " + cell(line.at("made_by")) + ", " + cell(line.at("made_at")) + ": " +
            line.at("rows").dump() + " rows, " + line.at("bytes").dump() + " bytes, SHA-256 " +
            cell(line.at("sha256")) + "\nto be fetched before " + cell(line.at("expires_at")) +
            (line.at("expired").get<bool>() ? " (over)" : "") + "; fetched " +
            line.at("downloads").dump() + " times\n";
  }
  if (!line.at("ended_at").is_null()) {
    text += "destroyed by " + cell(line.at("ended_by")) + ", " + cell(line.at("ended_at")) + " (" +
            cell(line.at("end_reason")) + ")\n";
  }
  if (!line.at("problem").is_null()) {
    text += "PROBLEM: " + cell(line.at("problem")) + "\n";
  }
  if (result.contains("file_left") && !result.at("file_left").is_null()) {
    text += "PROBLEM: its file is still there: " + cell(result.at("file_left")) + "\n";
  }
  if (result.contains("outcome") && result.at("outcome") == "unchanged") {
    text += "nothing changed (" + cell(result.at("why")) + ")\n";
  }
  if (result.contains("to")) {
    text += "written to " + cell(result.at("to")) + "\n";
  }
  if (result.contains("events")) {
    for (const json& event : result.at("events")) {
      text += "logged " + cell(event.at("code")) + " (" + cell(event.at("severity")) + ")\n";
    }
  }
  if (!result.at("message").is_null()) {
    text += "next: " + cell(result.at("message")) + "\n";
  }
  return text;
}

std::string render_exports(const json& list) {
  if (list.at("exports").empty()) {
    return "no exports\n";
  }
  TextTable table(
      {"export", "state", "tenant", "subject", "requested", "until", "fetched", "problem"});
  for (const json& line : list.at("exports")) {
    table.add({line.at("id").dump(),
               cell(line.at("state")),
               cell(line.at("tenant"), "(none)"),
               cell(line.at("subject")),
               cell(line.at("requested_at")),
               cell(line.at("expires_at")),
               line.at("downloads").dump(),
               cell(line.at("problem"))});
  }
  return table.text();
}

}  // namespace holdfast
