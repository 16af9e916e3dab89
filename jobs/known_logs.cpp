// SPDX-License-Identifier: Apache-2.0
#include "jobs/known_logs.h"

#include <algorithm>
#include <array>

#include "known_logs_embedded.h"

namespace holdfast {
namespace {

using Names = std::string_view;

constexpr std::array<Names, 6> kVaultwarden{
    "uuid", "event_type", "user_uuid", "org_uuid", "act_user_uuid", "event_date"};
constexpr std::array<Names, 7> kAirflow{
    "id", "dttm", "dag_id", "task_id", "event", "owner", "extra"};
constexpr std::array<Names, 5> kHomeAssistant{
    "event_id", "event_type_id", "time_fired_ts", "data_id", "context_user_id_bin"};
constexpr std::array<Names, 4> kGitea{"id", "type", "description", "created_unix"};
constexpr std::array<Names, 7> kSpatie{
    "id", "log_name", "description", "subject_id", "causer_id", "properties", "created_at"};
constexpr std::array<Names, 7> kSuperset{
    "id", "action", "user_id", "json", "dttm", "dashboard_id", "slice_id"};

constexpr std::array<Names, 6> kKeycloak{
    "id", "event_time", "type", "realm_id", "user_id", "details_json"};
constexpr std::array<Names, 5> kMattermost{"id", "createat", "userid", "action", "extrainfo"};

constexpr std::array<KnownLog, 9> kKnown{
    {{"vaultwarden", "Vaultwarden", "event", kVaultwarden, kVaultwardenToml, kVaultwardenTsv},
     {"airflow", "Apache Airflow", "log", kAirflow, kAirflowToml, kAirflowTsv},
     {"home-assistant",
      "Home Assistant",
      "events",
      kHomeAssistant,
      kHomeAssistantToml,
      kHomeAssistantTsv},
     {"gitea", "Gitea", "notice", kGitea, kGiteaToml, kGiteaTsv},
     {"spatie-activitylog",
      "spatie/laravel-activitylog",
      "activity_log",
      kSpatie,
      kSpatieActivitylogToml,
      kSpatieActivitylogTsv},
     {"superset", "Apache Superset", "logs", kSuperset, kSupersetToml, kSupersetTsv},
     {"airflow-postgresql",
      "Apache Airflow",
      "log",
      kAirflow,
      kAirflowPostgresqlToml,
      kAirflowPostgresqlTsv,
      SurveyKind::postgres},
     {"keycloak",
      "Keycloak",
      "event_entity",
      kKeycloak,
      kKeycloakToml,
      kKeycloakTsv,
      SurveyKind::postgres},
     {"mattermost",
      "Mattermost",
      "audits",
      kMattermost,
      kMattermostToml,
      kMattermostTsv,
      SurveyKind::postgres}}};

/// Replaces the value of the one line that begins with `key = `; what stands behind it goes too.
void set_line(std::string& text, const std::string& key, const std::string& value) {
  const std::string start = "\n" + key + " = ";
  const std::size_t found = text.find(start);
  if (found != std::string::npos) {
    const std::size_t begin = found + start.size();
    text.replace(begin, text.find('\n', begin) - begin, value);
  }
}

}  // namespace

std::span<const KnownLog> known_logs() {
  return kKnown;
}

const KnownLog* find_known_log(const SurveyTable& table) {
  const std::string_view whole{table.name};
  // A schema stands before it where the search path does not lead there.
  const std::string_view name =
      table.kind == SurveyKind::postgres ? whole.substr(whole.rfind('.') + 1) : whole;
  const auto* const found = std::find_if(kKnown.begin(), kKnown.end(), [&](const KnownLog& known) {
    return known.kind == table.kind && known.table == name &&
           std::all_of(known.columns.begin(), known.columns.end(), [&](Names wanted) {
             return std::any_of(table.columns.begin(),
                                table.columns.end(),
                                [&](const SurveyColumn& column) { return column.name == wanted; });
           });
  });
  return found == kKnown.end() ? nullptr : found;
}

const KnownLog* find_known_log(std::string_view name) {
  const auto* const found = std::find_if(
      kKnown.begin(), kKnown.end(), [&](const KnownLog& known) { return known.name == name; });
  return found == kKnown.end() ? nullptr : found;
}

std::string fill_in(const KnownLog& known, const DraftPlace& place) {
  std::string text{known.config};
  set_line(text, "path", toml_string(place.database));
  set_line(text, "url", toml_string(place.database));
  set_line(text, "state_directory", toml_string(place.state_directory));
  set_line(text, "extend", toml_string(place.codes));
  if (!place.table.empty()) {
    set_line(text, "table", toml_string(place.table));
  }
  set_line(text,
           "principals",
           place.administrator.empty() ? "[]" : "[" + toml_string(place.administrator) + "]");
  return text;
}

}  // namespace holdfast
