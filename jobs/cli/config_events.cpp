// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>
#include <utility>

#include "jobs/cli/config_sections.h"
#include "policy/instant.h"

namespace holdfast {
namespace {

constexpr std::array<std::string_view, 6> kTimeFormats{
    "unix_ms", "unix_s", "unix_us", "unix_real", "iso8601", "utc_text"};
constexpr std::array<std::string_view, 2> kOwnEvents{"log", "holdfast"};

/// One column as a text, or several as an array; a key that is missing leaves `columns` alone.
void read_columns(ConfigTable& section, std::string_view key, std::vector<std::string>& columns) {
  if (section.is_text(key)) {
    if (auto column = section.text(key, R"("id")")) {
      columns = {*std::move(column)};
    }
    return;
  }
  std::vector<ConfigText> written = section.texts(key);
  if (section.is_empty_array(key)) {
    section.refuse(key, R"(names no column: write "id", or ["first", "second"])");
  }
  if (written.empty()) {
    return;
  }
  columns.clear();
  for (ConfigText& column : written) {
    columns.push_back(std::move(column.text));
  }
}

void read_optional_columns(ConfigTable& section, LogMapping& events) {
  const std::array<std::pair<std::string_view, OptionalColumn*>, 7> columns{{
      {"tenant", &events.tenant},
      {"actor", &events.actor},
      {"subject", &events.subject},
      {"severity", &events.severity},
      {"metadata", &events.metadata},
      {"category", &events.category},
      {"retain_until", &events.retain_until},
  }};
  for (const auto& [name, column] : columns) {
    if (auto written = section.text(name, in_quotes(name))) {
      *column = {.name = *std::move(written), .named_in_config = true};
    }
  }
}

std::optional<CodeLookup> read_code_lookup(ConfigTable table) {
  table.require("table", R"("event_types")");
  table.require("key", R"("event_type_id")");
  table.require("text", R"("event_type")");
  CodeLookup lookup;
  assign(lookup.table, table.text("table", R"("event_types")"));
  assign(lookup.key, table.text("key", R"("event_type_id")"));
  assign(lookup.text, table.text("text", R"("event_type")"));
  table.refuse_unknown();
  return table.present() ? std::optional{std::move(lookup)} : std::nullopt;
}

std::vector<ChildTable> read_children(ConfigTable& section) {
  constexpr std::string_view kExample = R"([{ table = "details", column = "event_id" }])";
  std::vector<ChildTable> children;
  for (ConfigTable& table : section.tables("children", "table", kExample)) {
    table.require("table", R"("details")");
    table.require("column", R"("event_id")");
    ChildTable child;
    assign(child.table, table.text("table", R"("details")"));
    read_columns(table, "column", child.columns);
    table.refuse_unknown();
    children.push_back(std::move(child));
  }
  return children;
}

void read_earliest_plausible(ConfigTable& section, Instant& earliest) {
  const auto written = section.text_or_time("earliest_plausible", R"("2000-01-01")");
  if (!written) {
    return;
  }
  const auto instant = parse_rfc3339(*written);
  if (!instant) {
    section.refuse("earliest_plausible", instant.error());
    return;
  }
  earliest = *instant;
}

}  // namespace

void read_events(ConfigTable section, Settings& settings) {
  LogMapping& events = settings.events;
  settings.earliest_plausible =
      date::sys_days{date::year{2000} / date::January / 1};  // before any log that is pruned
  assign(events.table, section.text("table", R"("audit_events")"));
  read_columns(section, "id", events.id);
  assign(events.time, section.text("time", R"("occurred_at")"));
  if (const auto word = section.word("time_format", kTimeFormats)) {
    assign(events.time_format, parse_time_format(*word));
  }
  assign(events.code, section.text("code", R"("code")"));
  read_optional_columns(section, events);
  events.code_lookup = read_code_lookup(
      section.table("code_lookup", R"({ table = "...", key = "...", text = "..." })"));
  events.children = read_children(section);
  read_earliest_plausible(section, settings.earliest_plausible);
  if (const auto word = section.word("own_events", kOwnEvents)) {
    settings.own_events = *word == "log" ? OwnEvents::log : OwnEvents::holdfast;
  }
  section.refuse_unknown();
}

}  // namespace holdfast
