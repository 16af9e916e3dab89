// SPDX-License-Identifier: Apache-2.0
#include "jobs/config_draft.h"

#include <algorithm>
#include <array>
#include <utility>

#include "jobs/known_logs.h"

namespace holdfast {
namespace {

constexpr std::int64_t kFewValues = 20;  // of so few nobody can say whether they repeat
constexpr int kSpeaks = 2;               // a text says more of what happened than a number
constexpr std::size_t kMostCodes = 200;  // more different values in a sample are no codes

/// A word that a name may be, or have in it, and how much it says.
struct Hint {
  std::string_view word;
  int weight;
};

constexpr std::array<Hint, 12> kTableHints{{{"audit", 4},
                                            {"event", 3},
                                            {"activity", 3},
                                            {"log", 3},
                                            {"notice", 3},
                                            {"history", 2},
                                            {"access", 2},
                                            {"trail", 2},
                                            {"journal", 2},
                                            {"type", -4},
                                            {"setting", -4},
                                            {"session", -2}}};
constexpr std::array<Hint, 21> kTimeHints{
    {{"occurred", 10}, {"event_date", 10}, {"event_time", 10}, {"fired", 10}, {"dttm", 9},
     {"created", 8},   {"logged", 8},      {"timestamp", 7},   {"time", 5},   {"date", 5},
     {"when", 5},      {"stamp", 4},       {"_at", 3},         {"_ts", 3},    {"modified", -1},
     {"update", -4},   {"expir", -9},      {"end", -5},        {"start", -3}, {"execution", -6},
     {"birth", -12}}};
constexpr std::array<Hint, 16> kCodeHints{{{"event_type", 10},
                                           {"eventtype", 10},
                                           {"action", 9},
                                           {"code", 9},
                                           {"event", 7},
                                           {"type", 6},
                                           {"operation", 6},
                                           {"verb", 6},
                                           {"interpretation", 4},
                                           {"service", 5},
                                           {"level", 2},
                                           {"name", 1},
                                           {"mime", -5},
                                           {"subject", -9},
                                           {"causer", -9},
                                           {"_uuid", -9}}};
constexpr std::array<Hint, 6> kTenantHints{
    {{"tenant", 9}, {"org_uuid", 8}, {"organi", 7}, {"realm", 7}, {"workspace", 6}, {"org_id", 6}}};
constexpr std::array<Hint, 9> kActorHints{{{"actor", 9},
                                           {"act_user", 9},
                                           {"causer_id", 9},
                                           {"principal", 7},
                                           {"user_id", 6},
                                           {"user_uuid", 5},
                                           {"agentname", 5},
                                           {"username", 5},
                                           {"owner", 4}}};
constexpr std::array<Hint, 7> kSubjectHints{{{"subject_id", 9},
                                             {"subject", 7},
                                             {"target", 7},
                                             {"user_uuid", 6},
                                             {"client", 4},
                                             {"resource", 4},
                                             {"subject_type", -5}}};
/// What else names persons, for a column that is neither actor nor subject.
constexpr std::array<Hint, 15> kPersonHints{{{"user", 1},
                                             {"person", 1},
                                             {"people", 1},
                                             {"email", 1},
                                             {"author", 1},
                                             {"causer", 1},
                                             {"customer", 1},
                                             {"member", 1},
                                             {"patient", 1},
                                             {"employee", 1},
                                             {"account", 1},
                                             {"login", 1},
                                             {"phone", 1},
                                             {"birth", 1},
                                             {"_type", -9}}};
constexpr std::array<Hint, 2> kSeverityHints{{{"severity", 9}, {"level", 4}}};
constexpr std::array<Hint, 8> kMetadataHints{{{"metadata", 9},
                                              {"details", 8},
                                              {"properties", 8},
                                              {"payload", 7},
                                              {"extra", 7},
                                              {"json", 7},
                                              {"context", 4},
                                              {"description", 3}}};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  return text;
}

/// The weights of the hints in the name, the strongest for and the strongest against.
template <std::size_t count>
int weight_of(const std::string& name, const std::array<Hint, count>& hints) {
  const std::string words = lower(name);
  int best = 0;
  int worst = 0;
  for (const Hint& hint : hints) {
    if (words.find(hint.word) != std::string::npos) {
      best = std::max(best, hint.weight);
      worst = std::min(worst, hint.weight);
    }
  }
  return best + worst;
}

/// A column that was chosen, and how much speaks for it.
struct Choice {
  std::size_t column = 0;
  int weight = 0;
};

std::string clause(const GuessedTime& guess) {
  std::string text = guess.why;
  if (guess.earliest && guess.latest) {
    text += ", from " + to_rfc3339(*guess.earliest).substr(0, 10) + " to " +
            to_rfc3339(*guess.latest).substr(0, 10);
  }
  if (guess.nulls > 0) {
    text += ", and " + std::to_string(guess.nulls) + " are NULL";
  }
  return text;
}

class Drafting {
 public:
  explicit Drafting(const SampledTable& sampled) : sampled_(sampled) {}

  LogDraft draft() {
    draft_.table = sampled_.table.name;
    draft_.mapping.table = draft_.table;
    add("table", toml_string(draft_.table), "");
    weigh_table();
    choose_key();
    choose_time();
    choose_code();
    choose_rest();
    return std::move(draft_);
  }

 private:
  [[nodiscard]] const std::string& name(std::size_t column) const {
    return sampled_.table.columns[column].name;
  }

  void add(const std::string& key, std::string value, std::string why, bool open = false) {
    if (!open && value.find("\\u00") != std::string::npos) {
      draft_.missing.push_back("a name of table \"" + draft_.table +
                               "\" has a control character in it, which no configuration can say "
                               "([events]." +
                               key + "): rename it");
    }
    draft_.settings.push_back(
        {.key = key, .value = std::move(value), .why = std::move(why), .open = open});
  }

  void count(int weight, const std::string& reason) {
    draft_.score += weight;
    draft_.reasons.push_back(reason);
  }

  void weigh_table() {
    const int weight = weight_of(draft_.table, kTableHints);
    if (weight != 0) {
      count(weight,
            weight > 0 ? "its name is that of a log" : "its name is that of something else");
    }
    if (!sampled_.unread.empty()) {
      count(-3, "its rows could not be read: " + sampled_.unread);
    } else if (sampled_.columns.empty() || rows() == 0) {
      count(-3, "it has no rows");
    }
  }

  [[nodiscard]] std::int64_t rows() const {
    std::int64_t most = 0;
    for (const ColumnSample& column : sampled_.columns) {
      most = std::max(most, column.values);
    }
    return most;
  }

  void choose_key() {
    const std::vector<std::string>& key = sampled_.table.key;
    if (key.empty()) {
      count(-2, "it declares no key");
      draft_.missing.push_back(
          "table \"" + draft_.table +
          "\" declares no key (a PRIMARY KEY, or a UNIQUE index of columns that are NOT NULL): a "
          "bare rowid is no identity, VACUUM renumbers it; declare one");
      return;
    }
    std::string list;
    for (const std::string& column : key) {
      list += (list.empty() ? "" : ", ") + toml_string(column);
    }
    draft_.mapping.id = key;
    add("id", key.size() == 1 ? list : "[" + list + "]", "the declared key");
  }

  void choose_time() {
    std::optional<Choice> best;
    for (std::size_t i = 0; i < sampled_.columns.size(); ++i) {
      const int named = weight_of(name(i), kTimeHints);
      const bool read = sampled_.columns[i].time.result().format.has_value();
      // A number may look like a time by chance: without a name that says so it is none.
      const int weight = named <= -5 ? 0 : (read && named > -2 ? 6 : 0) + std::max(named, 0);
      if ((named > 0 || (read && named == -1)) && weight > 0 && (!best || weight > best->weight)) {
        best = Choice{.column = i, .weight = weight};
      }
    }
    if (!best) {
      count(-6, "it has no column of times");
      draft_.missing.push_back("table \"" + draft_.table +
                               "\" has no column that looks like the time of an event");
      add("time", "\"...\"", "no column looks like the time of an event", true);
      return;
    }
    const GuessedTime guess = sampled_.columns[best->column].time.result();
    const std::string column = name(best->column);
    time_column_ = best->column;
    if (guess.format) {
      count(4, "column \"" + column + "\" holds times");
      draft_.mapping.time = column;
      draft_.mapping.time_format = *guess.format;
      add("time", toml_string(column), clause(guess));
      const bool text = *guess.format == TimeFormat::utc_text;
      add("time_format",
          toml_string(to_token(*guess.format)),
          text ? "text without a zone: make sure that the program writes UTC, not local time" : "");
      return;
    }
    count(rows() == 0 ? 1 : -3, "column \"" + column + "\" could hold times, but " + guess.why);
    draft_.missing.push_back("the times in column \"" + column + "\" of \"" + draft_.table +
                             "\" cannot be told: " + guess.why);
    add("time", toml_string(column), clause(guess), true);
    add("time_format", "\"...\"", "unix_s, unix_ms, unix_us, unix_real, iso8601 or utc_text", true);
  }

  void choose_code() {
    std::optional<Choice> best;
    for (std::size_t i = 0; i < sampled_.columns.size(); ++i) {
      const ColumnSample& sample = sampled_.columns[i];
      const bool few = sample.different.size() <= kMostCodes &&
                       (sample.values < kFewValues ||
                        static_cast<std::int64_t>(sample.different.size()) * 2 <= sample.values);
      const bool fits = sample.could_be_codes == sample.values && few && i != time_column_ &&
                        !is_only_key(i) && (sample.values > 0 || rows() == 0);
      const int named = weight_of(name(i), kCodeHints);
      const int weight = named + (named > 0 && sample.texts == sample.values ? kSpeaks : 0);
      if (fits && weight > 0 && (!best || weight > best->weight)) {
        best = Choice{.column = i, .weight = weight};
      }
    }
    if (!best) {
      count(-3, "it has no column of codes");
      draft_.missing.push_back("table \"" + draft_.table +
                               "\" has no column that looks like the code of an event: few "
                               "different texts or whole numbers");
      add("code", "\"...\"", "no column looks like the code of an event", true);
      return;
    }
    code_column_ = best->column;
    const std::string column = name(best->column);
    count(3, "column \"" + column + "\" holds codes");
    draft_.mapping.code = column;
    add("code",
        toml_string(column),
        std::to_string(sampled_.columns[best->column].different.size()) +
            " different values in a sample of the rows");
    look_up(column);
  }

  [[nodiscard]] bool is_only_key(std::size_t column) const {
    return sampled_.table.key == std::vector<std::string>{name(column)};
  }

  /// Integers that refer to a table with a text for each.
  void look_up(const std::string& column) {
    for (std::size_t i = 0; i < sampled_.table.links.size(); ++i) {
      const SurveyLink& link = sampled_.table.links[i];
      const std::string& text = sampled_.table.link_texts[i];
      if (link.column != column || text.empty()) {
        continue;
      }
      draft_.mapping.code_lookup =
          CodeLookup{.table = link.table, .key = link.table_column, .text = text};
      add("code_lookup",
          "{ table = " + toml_string(link.table) + ", key = " + toml_string(link.table_column) +
              ", text = " + toml_string(text) + " }",
          "a foreign key of the code leads there");
      return;
    }
  }

  template <std::size_t count>
  void choose(const char* key, OptionalColumn& place, const std::array<Hint, count>& hints) {
    std::optional<Choice> best;
    for (std::size_t i = 0; i < sampled_.columns.size(); ++i) {
      const int weight = weight_of(name(i), hints);
      const bool time = sampled_.columns[i].time.result().format.has_value() &&
                        weight_of(name(i), kTimeHints) != 0;
      if (weight > 0 && !time && !taken_.contains(i) && (!best || weight > best->weight)) {
        best = Choice{.column = i, .weight = weight};
      }
    }
    if (best) {
      taken_.insert(best->column);
      place = {.name = name(best->column), .named_in_config = true};
      add(key, toml_string(place.name), "by its name");
    }
  }

  void choose_rest() {
    for (const std::optional<std::size_t>& column : {time_column_, code_column_}) {
      if (column) {
        taken_.insert(*column);
      }
    }
    LogMapping& mapping = draft_.mapping;
    choose("tenant", mapping.tenant, kTenantHints);
    choose("actor", mapping.actor, kActorHints);
    choose("subject", mapping.subject, kSubjectHints);
    choose("severity", mapping.severity, kSeverityHints);
    choose("metadata", mapping.metadata, kMetadataHints);
    name_unused_persons();
  }

  void name_unused_persons() {
    for (std::size_t i = 0; i < sampled_.columns.size(); ++i) {
      const int weight = weight_of(name(i), kPersonHints);
      const bool person = weight > 0 || (weight == 0 && (weight_of(name(i), kActorHints) > 0 ||
                                                         weight_of(name(i), kSubjectHints) > 0));
      if (person && !taken_.contains(i) && !is_only_key(i)) {
        draft_.unused_persons.push_back(name(i));
      }
    }
  }

  const SampledTable& sampled_;
  LogDraft draft_;
  std::optional<std::size_t> time_column_;
  std::optional<std::size_t> code_column_;
  std::set<std::size_t> taken_;
};

}  // namespace

LogDraft draft_of(const SampledTable& sampled) {
  LogDraft draft = Drafting{sampled}.draft();
  if (const KnownLog* known = find_known_log(sampled.table)) {
    constexpr int kCertain = 100;
    draft.application = known->name;
    draft.score += kCertain;
    draft.reasons.insert(draft.reasons.begin(),
                         "table and columns are those of " + std::string{known->title});
  }
  return draft;
}

std::vector<LogDraft> rank(const std::vector<SampledTable>& tables) {
  std::vector<LogDraft> drafts;
  for (const SampledTable& table : tables) {
    LogDraft draft = draft_of(table);
    if (draft.score > 0) {
      drafts.push_back(std::move(draft));
    }
  }
  std::stable_sort(drafts.begin(), drafts.end(), [](const LogDraft& left, const LogDraft& right) {
    return left.score > right.score;
  });
  return drafts;
}

}  // namespace holdfast
