// SPDX-License-Identifier: Apache-2.0
#include "jobs/config_draft.h"

#include <chrono>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/cli/config_file.h"
#include "jobs/known_logs.h"

namespace holdfast::testing {
namespace {

using Catch::Matchers::Contains;

constexpr Instant kNow{date::sys_days{date::year{2026} / 11 / 28}};
constexpr std::int64_t kSecond = 1'700'000'000;
constexpr int kRows = 60;

/// A column and what stands in row n of it.
struct Column {
  std::string name;
  std::function<StoredView(int)> value;
};

StoredView time_of(int row) {
  return kSecond + row;
}

StoredView code_of(int row) {
  return row % 2 == 0 ? std::string_view{"LOGIN"} : std::string_view{"LOGOUT"};
}

StoredView number_of(int row) {
  return std::int64_t{row};
}

StoredView nothing(int /*row*/) {
  return {};
}

SampledTable sampled(std::string name, const std::vector<Column>& columns, int rows = kRows) {
  SampledTable table{.table = {.name = std::move(name), .key = {columns.front().name}}};
  for (const Column& column : columns) {
    table.table.columns.push_back({.name = column.name});
    table.columns.emplace_back(kNow);
    for (int row = 0; row < rows; ++row) {
      table.columns.back().add(column.value(row));
    }
  }
  return table;
}

std::string setting(const LogDraft& draft, const std::string& key) {
  for (const DraftSetting& line : draft.settings) {
    if (line.key == key) {
      return (line.open ? "# " : "") + line.value;
    }
  }
  return "";
}

}  // namespace

TEST_CASE("the column of times is chosen by its name and by what is in it", "[config_draft]") {
  const auto [better, worse] = GENERATE(table<std::string, std::string>({
      {"created_at", "updated_at"},
      {"event_date", "expires_at"},
      {"dttm", "execution_date"},
      {"occurred_at", "created_at"},
      {"timestamp", "end_time"},
      {"LastModifiedTime", "ExpirationTime"},
      {"time", "date_of_birth"},
      {"modified", "birth_date"},
  }));
  const bool first = GENERATE(true, false);
  const std::vector<Column> columns{{"id", number_of},
                                    {first ? better : worse, time_of},
                                    {first ? worse : better, time_of},
                                    {"action", code_of}};
  CHECK(draft_of(sampled("log", columns)).mapping.time == better);
}

TEST_CASE("columns that seem to name persons and are not used are said", "[config_draft]") {
  const LogDraft draft = draft_of(sampled("log",
                                          {{"user_log_id", number_of},
                                           {"created_at", time_of},
                                           {"action", code_of},
                                           {"actor", number_of},
                                           {"subject", number_of},
                                           {"subject_type", code_of},
                                           {"user_email", code_of},
                                           {"target_id", number_of},
                                           {"bytes", number_of}}));
  CHECK(draft.unused_persons == std::vector<std::string>{"user_email", "target_id"});
  CHECK_THAT(draft_config(draft, {}, {.database = "a.db"}),
             Contains("\n# not used: \"user_email\", \"target_id\"; holds and erasures do not see "
                      "them"));
  const LogDraft plain =
      draft_of(sampled("log", {{"id", number_of}, {"created_at", time_of}, {"action", code_of}}));
  CHECK_THAT(draft_config(plain, {}, {.database = "a.db"}), !Contains("not used"));
}

TEST_CASE("numbers that look like times by chance are none", "[config_draft]") {
  const LogDraft draft =
      draft_of(sampled("log", {{"id", number_of}, {"bytes_sent", time_of}, {"action", code_of}}));
  CHECK(setting(draft, "time") == "# \"...\"");
  REQUIRE(draft.missing.size() == 1);
  CHECK_THAT(draft.missing.front(), Contains("no column that looks like the time of an event"));
}

TEST_CASE("the column of codes has few different values", "[config_draft]") {
  const LogDraft draft = draft_of(sampled("log",
                                          {{"id", number_of},
                                           {"event_type", number_of},
                                           {"created_at", time_of},
                                           {"kind_type", code_of}}));
  CHECK(draft.mapping.code == "kind_type");
}

TEST_CASE("a column of NULLs holds no codes", "[config_draft]") {
  const LogDraft draft = draft_of(sampled(
      "log", {{"id", number_of}, {"action", nothing}, {"created_at", time_of}, {"type", code_of}}));
  CHECK(draft.mapping.code == "type");
}

TEST_CASE("a code that refers to a table with a text is looked up there", "[config_draft]") {
  SampledTable table = sampled("log",
                               {{"id", number_of},
                                {"event_type",
                                 [](int row) {
                                   return StoredView{std::int64_t{row % 3}};
                                 }},
                                {"created_at", time_of}});
  table.table.links = {{.column = "event_type", .table = "kinds", .table_column = "id"}};
  table.table.link_texts = {"name"};
  const LogDraft draft = draft_of(table);
  REQUIRE(draft.mapping.code_lookup);
  CHECK(draft.mapping.code_lookup->text == "name");
  CHECK(setting(draft, "code_lookup") == R"({ table = "kinds", key = "id", text = "name" })");
}

TEST_CASE("no column is used twice, and no time is taken for a person", "[config_draft]") {
  const LogDraft draft = draft_of(sampled("log",
                                          {{"id", number_of},
                                           {"created_at", time_of},
                                           {"action", code_of},
                                           {"ClientTime", time_of},
                                           {"user_uuid", code_of}}));
  CHECK(draft.mapping.actor.name == "user_uuid");
  CHECK_FALSE(draft.mapping.subject.named_in_config);
}

TEST_CASE("a log stands before the other tables of an application", "[config_draft]") {
  const std::vector<Column> columns{{"id", number_of}, {"created_at", time_of}, {"type", code_of}};
  const auto drafts = rank({sampled("users", columns),
                            sampled("audit_log", columns),
                            sampled("event_types", columns),
                            sampled("old_events", columns, 0),
                            sampled("numbers", {{"id", number_of}})});
  REQUIRE(drafts.size() >= 2);
  CHECK(drafts.front().table == "audit_log");
  CHECK(drafts.front().score > drafts[1].score + 1);
  for (const LogDraft& draft : drafts) {
    CHECK(draft.table != "numbers");
  }
}

TEST_CASE("a table without a key says so", "[config_draft]") {
  SampledTable table =
      sampled("log", {{"id", number_of}, {"created_at", time_of}, {"action", code_of}});
  table.table.key.clear();
  REQUIRE(draft_of(table).missing.size() == 1);
  CHECK_THAT(draft_of(table).missing.front(), Contains("declares no key"));
}

TEST_CASE("what is drafted can be read, and nothing in it deletes", "[config_draft]") {
  const std::string odd = GENERATE("created_at", "created \"at\"", "created\\at");
  const LogDraft draft =
      draft_of(sampled("log", {{"id", number_of}, {odd, time_of}, {"action", code_of}}));
  const Settings settings = parse_config(
      draft_config(draft, {}, {.database = "a \"b\".db", .administrator = "o'neil"}), "x.toml");
  CHECK(settings.events.time == odd);
  CHECK(settings.retention == RetentionPolicy{});
  CHECK(settings.safety.first_run_needs_approval);
}

TEST_CASE("the places for what is written elsewhere are sound once they are taken",
          "[config_draft]") {
  const LogDraft draft =
      draft_of(sampled("log", {{"id", number_of}, {"created_at", time_of}, {"action", code_of}}));
  const std::string text = draft_config(draft, {}, {.database = "a.db", .administrator = "ann"});
  const std::string places = elsewhere_section({});
  REQUIRE(text.ends_with(places));
  // A section, or a key and its value, with the comment sign taken away.
  const std::string taken =
      std::regex_replace(places, std::regex("(^|\n)# (\\[|[a-z]+ = )"), "$1$2");
  const Settings settings = parse_config(text.substr(0, text.size() - places.size()) + taken,
                                         "/etc/holdfast/holdfast.toml");
  CHECK_FALSE(settings.witness_beside_database);
  CHECK(settings.witness_file == "/var/lib/holdfast/witness/holdfast.witness");
  CHECK(settings.reports == "/var/lib/holdfast/reports");
  REQUIRE(settings.archive.has_value());
  CHECK(settings.archive->directory == "/var/lib/holdfast/archive");
}

TEST_CASE("codes of the catalogue are not listed again, and odd ones are named", "[config_draft]") {
  LogFindings findings;
  findings.codes = {
      {"ACCOUNT_PROFILE_UPDATE", 3}, {"MINE", 2}, {" padded", 1}, {"a\tb", 1}, {"", 4}};
  const std::string list = suggested_codes(findings, Catalogue::built_in());
  CHECK_THAT(list, Contains("# 2 rows\nto-decide\tMINE\tInfo\t\n"));
  CHECK_THAT(list, !Contains("ACCOUNT_PROFILE_UPDATE"));
  Catalogue catalogue = Catalogue::built_in();
  CHECK(catalogue.extend(list).has_value());
  CHECK(catalogue.find("MINE") != nullptr);
  CHECK(catalogue.find(" padded") == nullptr);
  CHECK(suggested_codes({}, catalogue).empty());
}

TEST_CASE("every ready mapping is a sound configuration without a window", "[known_logs]") {
  REQUIRE(known_logs().size() == 9);
  for (const KnownLog& known : known_logs()) {
    CAPTURE(known.name);
    Catalogue catalogue = Catalogue::categories_only();
    REQUIRE(catalogue.extend(known.codes).has_value());
    const bool server = known.kind == SurveyKind::postgres;
    std::string text = fill_in(known,
                               {.database = server ? "postgresql://me@/odd" : "/srv/\"odd\".db",
                                .state_directory = server ? "/srv/\"odd\"" : "",
                                .codes = "codes.tsv",
                                .administrator = "o'neil"});
    text.replace(text.find("extend ="), 1, "# e");  // the list is not on the disk here
    const Settings settings = parse_config(text, "x.toml");
    CHECK(settings.database_url == (server ? "postgresql://me@/odd" : ""));
    CHECK(settings.database == (server ? "/srv/\"odd\"/holdfast" : "/srv/\"odd\".db"));
    CHECK(settings.administrators == std::set<std::string>{"o'neil"});
    CHECK(settings.events.table == known.table);
    CHECK(settings.retention == RetentionPolicy{});
    CHECK(settings.safety.first_run_needs_approval);
    SurveyTable table{.kind = known.kind, .name = std::string{known.table}};
    for (const std::string_view column : known.columns) {
      table.columns.push_back({.name = std::string{column}});
    }
    CHECK(find_known_log(table) == &known);
    table.kind = server ? SurveyKind::sqlite : SurveyKind::postgres;
    CHECK(find_known_log(table) != &known);
    table.kind = known.kind;
    table.columns.pop_back();
    CHECK(find_known_log(table) == nullptr);
  }
}

}  // namespace holdfast::testing
