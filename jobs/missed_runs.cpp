// SPDX-License-Identifier: Apache-2.0
#include "jobs/missed_runs.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "jobs/json_text.h"

#include <nlohmann/json.hpp>

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestSentence = 600;  // bytes; five of them fit

std::string line_of(const MissedRun& run) {
  std::string sentence = utf8_text(run.error.message);
  if (sentence.size() > kLongestSentence) {
    sentence = utf8_text(sentence.substr(0, kLongestSentence)) + " …";
  }
  return compact({{"at_ms", to_unix_ms(run.at)},
                  {"reason", utf8_text(run.error.reason)},
                  {"left_out", run.left_out},
                  {"started_by", utf8_text(run.started_by)},
                  {"host", utf8_text(run.host)},
                  {"message", std::move(sentence)}}) +
         "\n";
}

std::string all_lines(const std::vector<MissedRun>& runs) {
  std::string text;
  for (const MissedRun& run : runs) {
    text += line_of(run);
  }
  return text;
}

/// Who ran it is not worth losing a note for.
std::string text_of(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : "unknown";
}

std::optional<MissedRun> read_line(std::string_view line) {
  const json value = json::parse(line, nullptr, false);
  if (!value.is_object() || !value.contains("at_ms") || !value["at_ms"].is_number_integer() ||
      !value.contains("left_out") || !value["left_out"].is_number_integer() ||
      !value.contains("reason") || !value["reason"].is_string() || !value.contains("message") ||
      !value["message"].is_string()) {
    return std::nullopt;
  }
  return MissedRun{.at = from_unix_ms(value["at_ms"].get<std::int64_t>()),
                   .error = {.reason = value["reason"].get<std::string>(),
                             .message = value["message"].get<std::string>()},
                   .started_by = text_of(value, "started_by"),
                   .host = text_of(value, "host"),
                   .left_out = value["left_out"].get<std::int64_t>()};
}

}  // namespace

std::string write_missed(std::vector<MissedRun> runs) {
  std::string text = all_lines(runs);
  while (text.size() > kMissedNotesBytes && runs.size() > 2) {
    runs[2].left_out += 1 + runs[1].left_out;
    runs.erase(runs.begin() + 1);
    text = all_lines(runs);
  }
  text.resize(kMissedNotesBytes, '\n');
  return text;
}

std::vector<MissedRun> read_missed(std::string_view notes) {
  std::vector<MissedRun> runs;
  while (!notes.empty()) {
    const std::size_t end = notes.find('\n');
    const std::string_view line = notes.substr(0, end);
    notes.remove_prefix(end == std::string_view::npos ? notes.size() : end + 1);
    if (line.find_first_not_of(std::string_view{"\0 ", 2}) == std::string_view::npos) {
      continue;
    }
    runs.push_back(read_line(line).value_or(MissedRun{
        .at = kBeginningOfTime,
        .error = {.reason = "unreadable",
                  .message = "a run failed and could not be recorded, and the note that it "
                             "left in the lock file cannot be read"},
        .started_by = "unknown",
        .host = "unknown"}));
  }
  return runs;
}

}  // namespace holdfast
