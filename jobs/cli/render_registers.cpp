// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/console.h"
#include "jobs/cli/render.h"

namespace holdfast {
namespace {

using nlohmann::json;

std::string joined(const json& list) {
  if (!list.is_array()) {
    return cell(list);
  }
  std::string text;
  for (const json& entry : list) {
    text += (text.empty() ? "" : ", ") + cell(entry);
  }
  return text.empty() ? "-" : text;
}

std::string scope_words(const json& covers) {
  std::string text;
  for (const char* kind :
       {"tenant", "person", "actor", "subject", "category", "code", "event_id"}) {
    const json& terms = covers.at(kind);
    if (terms.is_array() ? !terms.empty() : terms != 0) {
      text += (text.empty() ? "" : " and ") + std::string(kind) + " " + joined(terms);
    }
  }
  for (const char* edge : {"from", "until"}) {
    if (!covers.at(edge).is_null()) {
      text += (text.empty() ? "" : " and ") + std::string(edge) + " " + cell(covers.at(edge));
    }
  }
  return covers.at("everything").get<bool>() ? "everything" : text;
}

std::string changes_table(const json& changes) {
  TextTable table({"where", "from", "to"});
  for (const json& change : changes) {
    table.add({cell(change.at("where")), cell(change.at("from")), cell(change.at("to"))});
  }
  return table.text();
}

std::string gone_archive_line(const json& archive) {
  if (archive.is_null()) {
    return "it was not archived\n";
  }
  return "archive " + cell(archive.at("file")) + ": " +
         cell(archive.at("state"), "not looked for, because [archive] is not set") +
         (archive.at("destroyed_at").is_null() ? "" : ", " + cell(archive.at("destroyed_at"))) +
         "\n";
}

}  // namespace

std::string render_hold(const json& hold) {
  std::string text =
      "hold " + hold.at("hold").dump() + " for matter " + cell(hold.at("matter")) + " (" +
      cell(hold.at("kind")) + (hold.at("locked").get<bool>() ? ", locked" : "") +
      ")\ncovers: " + scope_words(hold.at("covers")) + "\nreason: " + cell(hold.at("reason")) +
      "\nplaced by " + cell(hold.at("placed_by")) + ", " + cell(hold.at("placed_at")) + "\n";
  if (!hold.at("review_by").is_null()) {
    text += "review by " + cell(hold.at("review_by")) + "\n";
  }
  if (!hold.at("released_at").is_null()) {
    text += "released by " + cell(hold.at("released_by")) + ", " + cell(hold.at("released_at")) +
            ": " + cell(hold.at("release_reason")) + "\n";
  }
  if (hold.contains("grace_ends_at")) {
    text += "its rows stay until " + cell(hold.at("grace_ends_at")) + "\n";
  }
  if (hold.contains("rows")) {
    text += hold.at("rows") == 0
                ? "covers no row now: check the spelling, unless it is for rows to come\n"
                : "covers " + hold.at("rows").dump() + " rows now\n";
    for (const json& near : hold.at("near_misses")) {
      text += "note: \"" + cell(near.at("value")) + "\" in " + near.at("rows").dump() +
              " rows differs by letter case only and is not covered\n";
    }
    for (const json& warning : hold.value("warnings", json::array())) {
      text += "warning: " + cell(warning) + "\n";
    }
  }
  return text;
}

std::string render_holds(const json& list) {
  if (list.at("holds").empty()) {
    return list.at("released") == 0
               ? "no holds\n"
               : "no active holds; released: " + list.at("released").dump() +
                     (list.at("grace_ends_at").is_null()
                          ? std::string{}
                          : ", and rows of theirs stay until " + cell(list.at("grace_ends_at"))) +
                     " (hold list --all)\n";
  }
  TextTable table(
      {"hold", "state", "matter", "kind", "covers", "placed by", "placed", "review by"});
  for (const json& hold : list.at("holds")) {
    const bool active = hold.at("active").get<bool>();
    const bool late = hold.at("past_review").get<bool>();
    table.add({hold.at("hold").dump(),
               active ? (late ? "active, past review" : "active") : "released",
               cell(hold.at("matter")),
               cell(hold.at("kind")),
               scope_words(hold.at("covers")),
               cell(hold.at("placed_by")),
               cell(hold.at("placed_at")),
               cell(hold.at("review_by"))});
  }
  return table.text();
}

std::string render_policy(const json& policy) {
  TextTable table({"tenant", "for", "window", "at least", "locked", "basis"});
  for (const json& entry : policy.at("entries")) {
    table.add({cell(entry.at("tenant"), "(platform)"),
               entry.contains("code") ? cell(entry.at("code")) : cell(entry.at("category")),
               cell(entry.at("window")),
               cell(entry.at("at_least")),
               entry.at("locked").get<bool>() ? "locked" : "-",
               cell(entry.at("basis"))});
  }
  std::string text = "policy " + cell(policy.at("digest")) + "\n\n" + table.text();
  for (const json& preset : policy.at("presets")) {
    text += "preset " + cell(preset.at("name")) + " on " + joined(preset.at("categories")) +
            ": at least " + cell(preset.at("min")) + ", at most " + cell(preset.at("max")) + " (" +
            cell(preset.at("citation")) + ")\n";
  }
  for (const json& version : policy.at("versions_in_force")) {
    text += "version " + version.at("version").dump() + " since " + cell(version.at("since")) +
            (version.at("in_delay").get<bool>() ? ", older, still in its delay\n" : "\n");
  }
  for (const json& problem : policy.at("problems")) {
    text += "note: " + cell(problem) + "\n";
  }
  return text;
}

std::string render_policy_diff(const json& diff) {
  std::string text = diff.at("changes").empty() ? "no change\n" : changes_table(diff.at("changes"));
  TextTable table({"tenant", "category", "deleted now", "deleted then", "newly deleted"});
  for (const json& line : diff.at("rows")) {
    table.add({cell(line.at("tenant"), "(none)"),
               cell(line.at("category")),
               line.at("deleted_now").dump(),
               line.at("deleted_then").dump(),
               line.at("newly_deleted").dump()});
  }
  text += diff.at("rows").empty() ? "\nno row would newly go\n" : "\n" + table.text();
  text += "what loosens waits " + diff.at("waits_days").dump() + " days\n";
  for (const json& violation : diff.at("locked")) {
    text += "refused: " + cell(violation) + "\n";
  }
  if (diff.contains("version")) {
    text += "recorded as version " + diff.at("version").dump() + " by " +
            cell(diff.at("applied_by")) + "\n";
  }
  return text;
}

std::string render_presets(const json& list) {
  TextTable table({"preset", "min", "max", "names logs", "citation", "note"});
  for (const json& preset : list.at("presets")) {
    table.add({cell(preset.at("name")),
               cell(preset.at("min")),
               cell(preset.at("max")),
               cell(preset.at("names_logs")),
               cell(preset.at("citation")),
               cell(preset.at("note"))});
  }
  return table.text() + "Not legal advice.\n";
}

std::string render_catalogue(const json& list) {
  TextTable table({"code", "category", "severity", "window", "floors"});
  for (const json& code : list.at("codes")) {
    table.add({cell(code.at("code")),
               cell(code.at("category")),
               cell(code.at("severity")),
               cell(code.at("window"), "none: kept"),
               joined(code.at("floors"))});
  }
  return table.text();
}

std::string render_bookmarks(const json& list) {
  if (list.at("bookmarks").empty()) {
    return "no bookmarks\n";
  }
  TextTable table({"name", "event id", "set by", "set"});
  for (const json& bookmark : list.at("bookmarks")) {
    table.add({cell(bookmark.at("name")),
               bookmark.at("event_id").dump(),
               cell(bookmark.at("set_by")),
               cell(bookmark.at("set_at"))});
  }
  return table.text();
}

std::string render_runs(const json& list) {
  if (list.at("runs").empty()) {
    return "no runs yet\n";
  }
  TextTable table({"run", "outcome", "deleted", "opened", "phase", "error"});
  for (const json& run : list.at("runs")) {
    table.add({run.at("run").dump(),
               cell(run.at("outcome"), "open"),
               cell(run.at("deleted")),
               cell(run.at("opened_at")),
               cell(run.at("phase")),
               cell(run.at("error"))});
  }
  return table.text();
}

std::string render_explain(const json& explanation) {
  const json& row = explanation;
  if (row.contains("gone")) {
    return "row " + cell(row.at("id")) + " is gone: deleted by run " +
           row.at("gone").at("run").dump() + ", slice " + row.at("gone").at("slice").dump() +
           ", as of " + cell(row.at("gone").at("as_of")) + "\n" +
           gone_archive_line(row.at("gone").at("archive"));
  }
  const bool goes = row.at("deletes").get<bool>();
  std::string text = "row " + cell(row.at("id")) + ", code " + cell(row.at("code")) + ", tenant " +
                     cell(row.at("tenant")) + "\n" + (goes ? "would go: " : "stays: ") +
                     cell(row.at("reason")) + ", " + cell(row.at("meaning")) + "\n";
  TextTable table({"test", "result", "figures", "lets it go"});
  for (const json& test : row.at("tests")) {
    table.add({cell(test.at("reason")),
               test.at("keeps").get<bool>() ? "keeps" : "passes",
               cell(test.at("figures")),
               cell(test.at("earliest"))});
  }
  text += table.text();
  text += "earliest: " + cell(row.at("earliest"), "nobody can say yet") + "\n";
  return text;
}

namespace {

constexpr std::int64_t kSecondsPerHour = 3600;
constexpr std::int64_t kHoursPerDay = 24;

std::string age_in_words(const json& seconds) {
  const std::int64_t hours = seconds.get<std::int64_t>() / kSecondsPerHour;
  return hours < 2 * kHoursPerDay ? std::to_string(hours) + " hours"
                                  : std::to_string(hours / kHoursPerDay) + " days";
}

std::string streak_line(const json& status, const char* figure, const char* what) {
  const auto runs = status.at(figure).get<std::int64_t>();
  return runs < 2 ? "" : std::to_string(runs) + " runs in a row " + what + "\n";
}

/// What no line of the ledger tells yet.
std::string lost_runs(const json& status) {
  std::string text;
  if (!status.at("died_run").is_null()) {
    text += "run " + status.at("died_run").dump() + " died: the next run closes its line\n";
  }
  for (const json& run : status.at("missed_runs")) {
    const auto left_out = run.at("left_out").get<std::int64_t>();
    text += "a run could not be recorded, " + cell(run.at("at")) + " (" + cell(run.at("reason")) +
            "): " + cell(run.at("message")) +
            (left_out == 0 ? "" : "; and " + std::to_string(left_out) + " more before it") + "\n";
  }
  return text;
}

}  // namespace

std::string render_status(const json& status) {
  const json& success = status.at("last_success");
  std::string text = success.is_null()
                         ? std::string("no run has succeeded yet\n")
                         : "last success: run " + success.at("run").dump() + ", " +
                               cell(success.at("opened_at")) + ", " +
                               age_in_words(status.at("last_success_age_seconds")) + " ago\n";
  if (!status.at("last_run").is_null()) {
    const json& last = status.at("last_run");
    text +=
        "last run: " + last.at("run").dump() + ", " + cell(last.at("outcome"), "open") +
        (last.at("error").is_null()
             ? (last.at("deleted").is_null() ? std::string{}
                                             : ", " + last.at("deleted").dump() + " rows deleted")
             : " (" + cell(last.at("error")) + "): \"holdfast report\" says what to do") +
        "\n";
  }
  text += lost_runs(status);
  text += streak_line(status, "partial_in_a_row", "stopped early at a budget") +
          streak_line(status, "failed_in_a_row", "failed, were refused or were invalid");
  if (status.at("first_run_pending").get<bool>()) {
    text += "the first run that may delete is still to come: look at \"holdfast plan\"\n";
  }
  text += status.at("rows").dump() + " rows, " + status.at("rows_waiting").dump() +
          " due and waiting\n" + status.at("holds_active").dump() + " active holds, " +
          std::to_string(status.at("holds_past_review").size()) + " past review\n" +
          status.at("erasures").at("open").dump() + " open erasure requests, " +
          std::to_string(status.at("erasures").at("due_soon").size()) + " due within a week, " +
          std::to_string(status.at("erasures").at("overdue").size()) + " overdue\n" +
          "system clock " + cell(status.at("system_now")) + ", run clock " +
          cell(status.at("run_clock"), "not set yet") + "\n";
  for (const json& line : status.at("overdue_categories")) {
    text += "overdue: " + cell(line.at("category"), "(unknown code)") + ", " +
            line.at("waiting").dump() + " rows, the oldest by " + line.at("overdue_days").dump() +
            " days\n";
  }
  TextTable table({"category", "oldest row", "age in days", "window", "due and waiting"});
  for (const json& line : status.at("oldest")) {
    table.add({cell(line.at("category"), "(unknown code)"),
               cell(line.at("oldest")),
               cell(line.at("age_days")),
               cell(line.at("window")),
               line.at("waiting").dump()});
  }
  return text + (status.at("oldest").empty() ? "" : table.text());
}

}  // namespace holdfast
