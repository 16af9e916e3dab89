// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/hold_process.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <system_error>
#include <utility>

#include "jobs/cli/child_program.h"
#include "jobs/cli/program_file.h"
#include "jobs/json_text.h"

#include <nlohmann/json.hpp>

namespace holdfast {
namespace {

constexpr std::size_t kLargestAnswer = std::size_t{256} << 10;
constexpr std::size_t kLargestComplaint = std::size_t{4} << 10;
constexpr std::size_t kLargestAddress = std::size_t{512} << 20;
constexpr char kCaseStep = 'a' - 'A';
constexpr std::string_view kStandIn = "[subject]";

ModuleReport no_answer(const ErasureModule& module, const std::string& sentence) {
  return {.module = module.name,
          .status = HoldStatus::error,
          .problem = "module \"" + module.name + "\": " + sentence};
}

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + kCaseStep) : letter;
}

bool begins_with(std::string_view text, std::string_view start) {
  return !start.empty() && text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(), [](char one, char other) {
           return lower(one) == lower(other);
         });
}

enum class BeyondAscii { as_it_is, escaped };

/// The text as it stands between the quotes of a JSON string.
std::string in_json(std::string_view text, BeyondAscii letters) {
  const std::string quoted = nlohmann::json(text).dump(
      -1, ' ', letters == BeyondAscii::escaped, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

/// The longest form first, because it may begin with a shorter one. Escaping never shortens.
std::array<std::string, 3> forms_of(std::string_view person) {
  return {in_json(person, BeyondAscii::escaped),
          in_json(person, BeyondAscii::as_it_is),
          std::string{person}};
}

std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(),
      text.end(),
      [](char letter) { return (letter >= 0 && letter < ' ') || letter == '\x7F'; },
      ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

/// Why the program gave no answer; empty where it ended as it should.
std::string failure_of(const ProgramEnd& end, const ErasureModule& module) {
  const std::string program = "its program " + module.holds_command.front();
  switch (end.kind) {
    case ProgramEnd::Kind::exited:
      return end.number == 0 ? std::string{}
                             : program + " ended with exit status " + std::to_string(end.number) +
                                   ", so whatever it printed does not count";
    case ProgramEnd::Kind::signalled:
      return program + " was ended by signal " + std::to_string(end.number);
    case ProgramEnd::Kind::out_of_time:
      return program + " had not ended, or not closed its output, after its time limit of " +
             std::to_string(module.time_limit.count()) + " ms";
    case ProgramEnd::Kind::too_much_output:
      return program + " printed more than " + std::to_string(kLargestAnswer >> 10U) + " KiB";
    case ProgramEnd::Kind::not_started:
      return program + " cannot be started: " + std::generic_category().message(end.number);
    case ProgramEnd::Kind::unknown:
      break;
  }
  return program + " ended in a way that the system does not tell";
}

/// The question as one line; throws where the subject is no UTF-8, which JSON cannot say.
std::string question(const ErasureModule& module, const Subject& subject) {
  nlohmann::json asked{{"module", module.name}, {"subject", subject.person}, {"tenant", nullptr}};
  if (subject.tenant && !subject.tenant->empty()) {
    asked["tenant"] = *subject.tenant;
  }
  return asked.dump() + '\n';
}

/// The margin by which more is kept than is shown: the longest form that a name can take.
std::size_t longest_form(std::string_view person) {
  return forms_of(person).front().size();
}

void add_complaint(ModuleReport& report, const std::string& complaint, const Subject& subject) {
  const std::string said = without_person(complaint, subject.person);
  if (report.status == HoldStatus::error && !said.empty()) {
    report.problem += "; it said: " + said;
  }
}

}  // namespace

std::string without_person(std::string_view written, std::string_view person) {
  const std::array<std::string, 3> forms = forms_of(person);
  std::string kept;
  std::size_t place = 0;
  while (place < std::min(written.size(), kLargestComplaint)) {
    const std::string_view rest = written.substr(place);
    const auto form = std::find_if(forms.begin(), forms.end(), [rest](const std::string& name) {
      return begins_with(rest, name);
    });
    if (form == forms.end()) {
      kept += written[place++];
    } else {
      kept += kStandIn;
      place += form->size();
    }
  }
  return utf8_text(on_one_line(std::move(kept)));
}

ModuleReport HoldProcess::ask(const ErasureModule& module, const Subject& subject) {
  if (module.holds_command.empty()) {
    return no_answer(module, "has no program to ask");
  }
  if (const auto refusal = why_not_run(module.holds_command.front())) {
    return no_answer(module, "its program is not run: " + *refusal);
  }
  ProgramCall call{.command = module.holds_command,
                   .time_limit = module.time_limit,
                   .largest_output = kLargestAnswer,
                   .kept_complaint = kLargestComplaint + longest_form(subject.person),
                   .largest_address = kLargestAddress};
  try {
    call.input = question(module, subject);
  } catch (const nlohmann::json::exception&) {
    // The exception's text would quote the subject.
    return no_answer(module, "cannot be asked, because subject or tenant is no UTF-8");
  }
  const ProgramEnd end = run_program(call);
  const std::string failure = failure_of(end, module);
  ModuleReport report = failure.empty() ? parse_module_answer(end.output, module, subject)
                                        : no_answer(module, failure);
  add_complaint(report, end.complaint, subject);
  return report;
}

}  // namespace holdfast
