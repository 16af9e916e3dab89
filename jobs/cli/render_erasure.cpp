// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/console.h"
#include "jobs/cli/render.h"

namespace holdfast {
namespace {

using nlohmann::json;

std::string request_lines(const json& request) {
  std::string text = "erasure request " + request.at("id").dump() + ": " +
                     cell(request.at("state")) + "\nsubject " + cell(request.at("subject")) +
                     " of tenant " + cell(request.at("tenant"), "(none)") + "\nrequested by " +
                     cell(request.at("requested_by")) + ", " + cell(request.at("requested_at")) +
                     "\n";
  if (!request.at("approved_by").is_null()) {
    text += "approved by " + cell(request.at("approved_by")) + ", " +
            cell(request.at("approved_at")) + "; cooling-off until " +
            cell(request.at("cooloff_until")) + "\n";
  }
  if (!request.at("confirmed_by").is_null()) {
    text += "to be completed when due, as " + cell(request.at("confirmed_by")) + " asked\n";
  }
  if (request.at("ended_at").is_null()) {
    text += "answer due before " + cell(request.at("deadline")) +
            (request.at("answer") == "far" ? "" : " (" + cell(request.at("answer")) + ")") + "\n";
  } else {
    text += cell(request.at("state")) + " by " + cell(request.at("ended_by")) + ", " +
            cell(request.at("ended_at")) +
            (request.at("end_reason").is_null() ? "" : ": " + cell(request.at("end_reason"))) +
            "\n";
  }
  return text;
}

std::string holds_table(const json& reports) {
  TextTable table({"module", "answer", "hold", "basis", "locked", "review by"});
  for (const json& report : reports) {
    const std::string module = cell(report.at("module"));
    if (report.at("holds").empty()) {
      table.add({module, cell(report.at("status")), "-", cell(report.at("problem")), "-", "-"});
    }
    for (const json& hold : report.at("holds")) {
      table.add({module,
                 cell(report.at("status")),
                 cell(hold.at("id")),
                 cell(hold.at("basis")),
                 hold.at("locked").get<bool>() ? "yes" : "no",
                 cell(hold.at("review_by"))});
    }
  }
  return table.text();
}

/// What nobody looked at, table by table. Receipts of old versions say nothing of it.
std::string left_lines(const json& document) {
  std::string text;
  for (const json& table : document.value("left_as_it_is", json::array())) {
    std::string columns;
    for (const json& column : table.at("columns")) {
      columns += (columns.empty() ? "" : ", ") + cell(column);
    }
    text += (text.empty() ? "not looked at, and left as it is in rows that stay: " : "; ") +
            (table.at("module").is_null() ? "" : cell(table.at("module")) + ": ");
    if (table.contains("trigger")) {
      text += "what trigger " + cell(table.at("trigger")) + " of " + cell(table.at("table")) +
              " writes elsewhere";
      continue;
    }
    text += cell(table.at("table")) + " (" + (columns.empty() ? "all columns" : columns) + ")";
  }
  return text.empty() ? text : text + "\n";
}

std::string receipt_lines(const json& receipt) {
  TextTable table({"module", "table", "action", "rows before", "changed", "left"});
  for (const json& line : receipt.at("modules")) {
    table.add({cell(line.at("module")),
               cell(line.at("table")),
               cell(line.at("action")),
               line.at("before").dump(),
               line.at("changed").dump(),
               line.at("after").dump()});
  }
  const json& log = receipt.at("audit_log");
  return table.text() + "audit log: " + log.at("deleted").dump() + " rows deleted, " +
         log.at("pseudonymised").dump() + " pseudonymised, " + log.at("evidence_kept").dump() +
         " left as evidence of an administrator's deed\n" + left_lines(receipt);
}

std::string export_line(const json& answer) {
  return answer.contains("open_export")
             ? "asked first: " + cell(answer.at("open_export").at("message")) + "\n"
             : std::string{};
}

}  // namespace

std::string render_erasure_result(const json& result) {
  std::string text = request_lines(result.at("request"));
  if (result.at("outcome") == "blocked") {
    text += "BLOCKED: " + cell(result.at("message")) + "\n";
  } else if (result.at("outcome") == "unchanged") {
    text += "nothing changed\n";
  }
  if (result.contains("holds") && result.at("outcome") == "blocked") {
    text += holds_table(result.at("holds"));
    text += "digest of this hold set: " + cell(result.at("hold_digest")) + "\n";
  }
  text += export_line(result);
  if (result.contains("receipt")) {
    text += receipt_lines(result.at("receipt"));
  }
  for (const json& event : result.at("events")) {
    text += "logged " + cell(event.at("code")) + " (" + cell(event.at("severity")) + ")\n";
  }
  return text;
}

std::string render_erasure(const json& erasure) {
  std::string text = request_lines(erasure.at("request"));
  if (!erasure.at("attempts").empty()) {
    TextTable table({"when", "who", "deed", "outcome"});
    for (const json& attempt : erasure.at("attempts")) {
      table.add({cell(attempt.at("at")),
                 cell(attempt.at("who")),
                 cell(attempt.at("deed")),
                 cell(attempt.at("outcome"))});
    }
    text += table.text();
  }
  text += export_line(erasure);
  text += left_lines(erasure);
  if (erasure.contains("holds")) {
    text += holds_table(erasure.at("holds"));
    text += erasure.at("all_clear").get<bool>()
                ? "no holds\n"
                : "digest of this hold set: " + cell(erasure.at("hold_digest")) + "\n";
  }
  if (!erasure.at("receipt").is_null()) {
    text += receipt_lines(erasure.at("receipt"));
  }
  return text;
}

std::string render_erasures(const json& list) {
  if (list.at("erasures").empty()) {
    return "no erasure requests\n";
  }
  TextTable table(
      {"request", "state", "tenant", "subject", "requested", "cooling-off until", "answer due"});
  for (const json& request : list.at("erasures")) {
    const bool open = request.at("ended_at").is_null();
    table.add(
        {request.at("id").dump(),
         cell(request.at("state")),
         cell(request.at("tenant"), "(none)"),
         cell(request.at("subject")),
         cell(request.at("requested_at")),
         cell(request.at("cooloff_until")),
         open ? cell(request.at("deadline")) + " (" + cell(request.at("answer")) + ")" : "-"});
  }
  return table.text();
}

std::string render_reapplied(const json& result) {
  std::string text =
      std::to_string(result.at("erased_again").size()) + " persons were erased again\n";
  for (const json& line : result.at("held")) {
    const bool asked = line.at("why") == "newer_request";
    text += asked ? "left, because a later request of the person has its own guards: "
                  : "left, because a hold stands in the way: ";
    text += cell(line.at("token")) + " of tenant " + cell(line.at("tenant"), "(none)") + "\n";
  }
  for (const json& line : result.at("unmatched")) {
    text += "not looked for, because the key is gone: " + cell(line.at("token")) + " of tenant " +
            cell(line.at("tenant"), "(none)") + "\n";
  }
  for (const json& line : result.at("failed")) {
    text += "FAILED: " + cell(line.at("token")) + " of tenant " +
            cell(line.at("tenant"), "(none)") + ": " + cell(line.at("why")) + "\n";
  }
  return text;
}

std::string render_forgotten_key(const json& result) {
  return "key " + result.at("key").dump() + " of tenant " + cell(result.at("tenant"), "(none)") +
         " is forgotten: its tokens can no longer be joined to a name\n";
}

}  // namespace holdfast
