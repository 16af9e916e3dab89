// SPDX-License-Identifier: Apache-2.0
#include "jobs/hold_command.h"

#include <algorithm>
#include <exception>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace holdfast {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLargestAnswer = std::size_t{256} << 10;
constexpr int kDeepest = 4;                  // answer, holds, hold, and one to spare
constexpr std::size_t kMostHolds = 1000;     // a person in more matters is a mistake
constexpr std::size_t kLongestId = 256;      // bytes
constexpr std::size_t kLongestBasis = 1024;  // bytes
constexpr char kDelete = 0x7F;

/// An answer that does not count; the sentence goes on from "its answer". It never quotes what was
/// printed: that may name the subject, or another person.
class AnswerFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Refuses what the parser would let pass: nesting without end, and a key that is there twice, of
/// which the last would win.
class Watch {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kDeepest) {
      throw AnswerFault{"is nested too deeply"};
    }
    if (event == Json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == Json::parse_event_t::key &&
               !keys_.back().insert(parsed.get<std::string>()).second) {
      throw AnswerFault{"has a key twice"};
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> keys_;
};

Json parse_object(const std::string& printed) {
  if (printed.size() > kLargestAnswer) {
    throw AnswerFault{"is larger than 256 KiB"};
  }
  if (printed.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw AnswerFault{"is empty"};
  }
  // The parser would take a zero byte for the end.
  if (printed.find('\0') != std::string::npos) {
    throw AnswerFault{"is no JSON object"};
  }
  Watch watch;
  Json answer = Json::parse(
      printed,
      [&watch](int depth, Json::parse_event_t event, Json& parsed) {
        return watch(depth, event, parsed);
      },
      /*allow_exceptions=*/false);
  if (!answer.is_object()) {
    throw AnswerFault{"is no JSON object"};
  }
  return answer;
}

const Json& member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) {
    throw AnswerFault{std::string{"has no \""} + name + '"'};
  }
  return *found;
}

std::string text_of(const Json& object, const char* name, std::size_t longest) {
  const Json& value = member(object, name);
  if (!value.is_string()) {
    throw AnswerFault{std::string{"has a \""} + name + "\" that is no text"};
  }
  const auto& text = value.get_ref<const std::string&>();
  const bool broken = std::any_of(text.begin(), text.end(), [](char letter) {
    return (letter >= 0 && letter < ' ') || letter == kDelete;
  });
  if (broken || text.size() > longest) {
    throw AnswerFault{std::string{"has a \""} + name +
                      "\" that holds control characters or is longer than " +
                      std::to_string(longest) + " bytes"};
  }
  return text;
}

HoldStatus status_of(const Json& answer) {
  const Json& word = member(answer, "status");
  const auto status =
      word.is_string() ? parse_hold_status(word.get_ref<const std::string&>()) : std::nullopt;
  if (!status) {
    throw AnswerFault{R"(has a "status" other than "clear", "hold" and "error")"};
  }
  return *status;
}

bool is_text(const Json& value, const std::string& text) {
  return value.is_string() && value.get_ref<const std::string&>() == text;
}

/// None where there is no date: the key is missing, or null.
std::optional<Instant> review_of(const Json& hold) {
  const auto found = hold.find("review_by");
  if (found == hold.end() || found->is_null()) {
    return std::nullopt;
  }
  const auto review = found->is_string()
                          ? parse_rfc3339(found->get_ref<const std::string&>())
                          : tl::expected<Instant, std::string>{tl::unexpect, "no text"};
  if (!review) {
    throw AnswerFault{R"(has a "review_by" that is no date, such as "2027-03-01", and no time with)"
                      R"( a zone)"};
  }
  return *review;
}

ReportedHold hold_of(const Json& item) {
  if (!item.is_object()) {
    throw AnswerFault{"has a hold that is no object"};
  }
  ReportedHold hold{.id = text_of(item, "id", kLongestId),
                    .basis = text_of(item, "basis", kLongestBasis)};
  if (hold.id.empty()) {
    throw AnswerFault{"has a hold with an empty \"id\""};
  }
  const Json& locked = member(item, "locked");
  if (!locked.is_boolean()) {
    throw AnswerFault{R"(has a "locked" other than true and false)"};
  }
  hold.locked = locked.get<bool>();
  hold.review_by = review_of(item);
  return hold;
}

std::vector<ReportedHold> holds_of(const Json& answer) {
  const Json& items = member(answer, "holds");
  if (!items.is_array() || items.size() > kMostHolds) {
    throw AnswerFault{"has \"holds\" that are no array, or more than " +
                      std::to_string(kMostHolds)};
  }
  std::vector<ReportedHold> holds;
  std::set<std::string> ids;
  for (const Json& item : items) {
    holds.push_back(hold_of(item));
    if (!ids.insert(holds.back().id).second) {
      throw AnswerFault{"has two holds with one \"id\""};
    }
  }
  return holds;
}

ModuleReport read_answer(const Json& answer, const ErasureModule& module, const Subject& subject) {
  if (!is_text(member(answer, "module"), module.name)) {
    throw AnswerFault{"is that of another module"};
  }
  if (!is_text(member(answer, "subject"), subject.person)) {
    throw AnswerFault{"is about another subject"};
  }
  ModuleReport report{.module = module.name, .status = status_of(answer)};
  if (report.status == HoldStatus::error) {
    throw AnswerFault{"says that it does not know"};
  }
  report.holds = holds_of(answer);
  if ((report.status == HoldStatus::hold) == report.holds.empty()) {
    throw AnswerFault{report.holds.empty() ? "says \"hold\" and lists none"
                                           : "says \"clear\" and lists holds"};
  }
  return report;
}

}  // namespace

ModuleReport parse_module_answer(const std::string& printed,
                                 const ErasureModule& module,
                                 const Subject& subject) {
  std::string why;
  try {
    return read_answer(parse_object(printed), module, subject);
  } catch (const AnswerFault& fault) {
    why = fault.what();
  } catch (const std::exception&) {
    // Out of memory, or something that the library throws unasked; its text could quote the answer.
    why = "cannot be read";
  }
  return {.module = module.name,
          .status = HoldStatus::error,
          .problem = "module \"" + module.name + "\": its answer " + why};
}

}  // namespace holdfast
