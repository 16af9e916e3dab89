// SPDX-License-Identifier: Apache-2.0
// Groups 1 to 3 of a record: who ran what, under which policy, by which clock.
#include "jobs/cli/html_report_parts.h"
#include "jobs/cli/json_lines.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// The first of two places that has the value: the group, or the flat field of older records.
const json& either(const json& group, const json& record, const char* name) {
  const json& found = part(group, name);
  return found.is_null() ? part(record, name) : found;
}

Html identity(const ReportSource& source) {
  const json& record = source.record;
  const json& group = part(record, "identity");
  HtmlFacts facts("Identity", source.mark);
  facts.add("run", shown(either(group, record, "run_id")));
  facts.add("host", shown(either(group, record, "host")));
  facts.add("database", shown(part(group, "database_id")));
  facts.add("database file", shown(part(group, "database_path")));
  facts.add("program", shown(part(group, "program")));
  facts.add("started by", shown(either(group, record, "started_by")));
  facts.add("mode", shown(part(group, "mode")));
  facts.add("started", shown(part(group, "started_at")));
  facts.add("ended", shown(part(group, "ended_at")));
  facts.add("approved plan", hash_text(either(group, record, "approved_plan"), "none was needed"));
  facts.add("approved by", shown(either(group, record, "approved_by"), "nobody"));
  facts.add("plan of this run", hash_text(part(record, "digest")));
  return section("1. Identity", facts.html());
}

Html changes(const ReportSource& source, const json& list) {
  HtmlTable table("Policy changes since the last run",
                  {{.heading = "where"}, {.heading = "from"}, {.heading = "to"}},
                  source.mark);
  for (const json& change : list) {
    table.add({shown(part(change, "where")),
               shown(part(change, "from"), "nothing"),
               shown(part(change, "to"), "nothing")});
  }
  return table.html();
}

Html presets(const ReportSource& source, const json& authority) {
  HtmlTable table("Presets",
                  {{.heading = "preset"},
                   {.heading = "categories"},
                   {.heading = "at least"},
                   {.heading = "at most"},
                   {.heading = "citation"}},
                  source.mark);
  for (const json& preset : list_part(authority, "presets")) {
    table.add({shown(part(preset, "name")),
               shown(part(preset, "categories")),
               shown(part(preset, "min"), "no floor"),
               shown(part(preset, "max"), "no cap"),
               shown(part(preset, "citation"), "none given")});
  }
  return table.html();
}

Html floors(const ReportSource& source, const json& authority) {
  HtmlTable table(
      "Floors", {{.heading = "where"}, {.heading = "at least"}, {.heading = "basis"}}, source.mark);
  for (const json& floor : list_part(authority, "floors")) {
    table.add({shown(part(floor, "where")),
               shown(part(floor, "at_least")),
               shown(part(floor, "basis"), "none given")});
  }
  return table.html();
}

Html authority(const ReportSource& source) {
  const json& record = source.record;
  const json& group = part(record, "authority");
  const json& old = part(record, "policy");
  const auto both = [&](const char* name, const char* old_name) -> const json& {
    return part(group, name).is_null() ? part(old, old_name) : part(group, name);
  };
  HtmlFacts facts("Authority", source.mark);
  facts.add("policy version", shown(both("policy_version", "version")));
  facts.add("policy SHA-256", hash_text(both("policy_sha256", "digest")));
  facts.add("policy file", shown(part(old, "source")));
  facts.add("catalogue SHA-256", hash_text(part(group, "catalogue_sha256")));
  facts.add("caps", shown(part(group, "caps"), "not recorded"));
  facts.add("conflicts", shown(both("conflicts", "conflicts"), "not recorded"));
  facts.add("locked entries", shown(part(group, "locks"), "not recorded"));
  Html made = facts.html();
  made += changes(source, both("changes", "changes"));
  if (!group.is_null()) {
    made += presets(source, group) + floors(source, group);
  }
  if (const json& policy = part(group, "policy"); !policy.is_null()) {
    made += folded("The effective policy in full",
                   element("pre", Html::whole_text(json_lines(policy))));
  }
  return section("2. Authority", made);
}

Html clock(const ReportSource& source) {
  const json& group = part(source.record, "clock");
  HtmlFacts facts("Clock", source.mark);
  facts.add("system clock", shown(part(group, "system_now")));
  if (const json& server = part(group, "server_now"); !server.is_null()) {
    facts.add("clock of the database's server", shown(server));
  }
  facts.add("run clock", shown(part(group, "as_of")));
  facts.add("run clock of the last run", shown(part(group, "last_as_of"), "none"));
  facts.add("system clock of the last run", shown(part(group, "last_system_now"), "none"));
  facts.add("clamped", shown(part(group, "clamped")));
  HtmlTable table("Disposition cut-offs: a row before it has outlived the window",
                  {{.heading = "window"}, {.heading = "disposition cut-off"}},
                  source.mark);
  for (const json& line : list_part(group, "cutoffs")) {
    table.add({shown(part(line, "window")), shown(part(line, "disposition_cutoff"), "never")});
  }
  return section("3. Clock", facts.html() + table.html());
}

}  // namespace

Html report_origin(const ReportSource& source) {
  return identity(source) + authority(source) + clock(source);
}

}  // namespace holdfast
