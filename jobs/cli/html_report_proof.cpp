// SPDX-License-Identifier: Apache-2.0
// Groups 10 to 13 of a record: whether the sums close, what was done to the file, how to check it,
// and who answers for it.
#include "jobs/cli/html_report_parts.h"

namespace holdfast {
namespace {

using nlohmann::json;

std::string verdict(const json& difference) {
  if (!difference.is_number_integer()) {
    return "not known";
  }
  return difference == 0 ? "closes" : "ERROR: does not close";
}

Html between_runs(const ReportSource& source) {
  const json& record = source.record;
  const json& group = part(record, "between_runs");
  if (!group.is_object()) {
    const std::string vanished = words_of(part(record, "vanished"));
    return paragraph(Html::text(
        part(record, "format").is_null()
            ? "Rows that vanished between runs: " + vanished + "."
            : "Between runs: not checkable, because there is no earlier run or the keys have no "
              "order."));
  }
  HtmlFacts facts("Between runs", source.mark);
  facts.add("rows expected up to the last run's highest key", shown(part(group, "expected")));
  facts.add("rows found", shown(part(group, "found")));
  facts.add("vanished between runs", shown(part(group, "vanished")));
  facts.add("came back between runs", shown(part(group, "came_back")));
  if (const json& late = part(group, "committed_late"); !late.is_null()) {
    facts.add("committed late, below the last run's highest key", shown(late));
  }
  return facts.html();
}

Html reconciliation(const ReportSource& source) {
  const json& group = part(source.record, "reconciliation");
  HtmlTable table(
      "Reconciliation: each difference has to be zero",
      {{.heading = "difference"}, {.heading = "rows", .figures = true}, {.heading = "verdict"}},
      source.mark);
  for (const auto& [name, difference] : group.items()) {
    table.add({Html::text(name), shown(difference), Html::text(verdict(difference))});
  }
  return section("10. Reconciliation", table.html() + between_runs(source));
}

Html residue() {
  return paragraph(
      "Residue: logical deletion with overwrite of freed cells and pages. Out of "
      "reach are wear levelling of solid-state disks, snapshots, backups, replicas "
      "and receivers of exports and webhooks.");
}

Html method(const ReportSource& source) {
  const json& group = part(source.record, "method");
  const json& old = part(source.record, "storage");
  const auto both = [&](const char* name) -> const json& {
    return part(group, name).is_null() ? part(old, name) : part(group, name);
  };
  HtmlFacts facts("Method", source.mark);
  facts.add("secure_delete", shown(part(group, "secure_delete")));
  facts.add("journal mode", shown(part(group, "journal_mode")));
  facts.add("synchronous", shown(part(group, "synchronous")));
  facts.add("write-ahead log emptied", shown(both("wal_emptied")));
  facts.add("auto_vacuum", shown(part(group, "auto_vacuum")));
  facts.add("pages given back", shown(part(group, "incremental_vacuum_pages")));
  facts.add("free bytes before", shown(both("free_bytes_before")));
  facts.add("free bytes after",
            shown(part(group, "free_bytes_after").is_null() ? part(old, "free_bytes")
                                                            : part(group, "free_bytes_after")));
  facts.add("bytes of the file", shown(both("file_bytes")));
  facts.add("slices", shown(part(old, "slices")));
  facts.add("longest write lock, milliseconds", shown(part(old, "longest_lock_ms")));
  facts.add("duration, milliseconds", shown(part(old, "duration_ms")));
  Html made = facts.html();
  const json& statement = part(group, "statement");
  made += statement.is_string() ? paragraph(Html::text("Residue: ") + shown(statement)) : residue();
  for (const auto& [name, fact] : group.items()) {
    if (name == "facts" && fact.is_array()) {
      for (const json& line : fact) {
        made += paragraph(shown(line));
      }
    }
  }
  const json& vacuum = part(old, "vacuum");
  made += vacuum.is_string()
              ? paragraph(Html::text("Rows deleted is not space freed: autovacuum frees it for new "
                                     "rows, or at once ") +
                          shown(vacuum) + Html::text("."))
              : paragraph(
                    "Rows deleted is not space freed: the free bytes above are for new rows until "
                    "\"holdfast vacuum\" gives them back.");
  return section("11. Method and residue", made);
}

Html integrity(const ReportSource& source) {
  const json& record = source.record;
  const json& group = part(record, "integrity");
  const json& archive = part(group, "archive");
  HtmlFacts facts("Integrity", source.mark);
  facts.add("run hash", hash_text(part(record, "run_hash"), "none: made before the chain of runs"));
  facts.add("hash of the run before", hash_text(part(record, "previous_run_hash"), "none"));
  facts.add("digest of the deleted rows", hash_text(part(group, "rows_digest"), "none"));
  facts.add("every deleted row has a digest", shown(part(group, "row_digest")));
  facts.add("slices", shown(part(group, "slices")));
  facts.add("archive file", shown(part(archive, "file"), "no archive"));
  if (archive.is_object()) {
    facts.add("archive bytes", shown(part(archive, "bytes")));
    facts.add("archive SHA-256", hash_text(part(archive, "sha256")));
    facts.add("archive rows", shown(part(archive, "rows")));
  }
  const json& command = part(group, "verify_with");
  const Html how =
      Html::text("Verify with: ") +
      element("code", command.is_string() ? shown(command) : Html::text("holdfast verify"));
  return section("12. Integrity", facts.html() + paragraph(how));
}

}  // namespace

Html report_proof(const ReportSource& source) {
  return reconciliation(source) + method(source) + integrity(source) +
         section("13. Sign-off", sign_off(source.mark));
}

}  // namespace holdfast
