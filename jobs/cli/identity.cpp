// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/identity.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "jobs/job_error.h"

namespace holdfast {
namespace {

constexpr unsigned kNoLogin = std::numeric_limits<unsigned>::max();
constexpr std::size_t kPasswordBuffer = 16384;

std::optional<unsigned> number(const std::string& text) {
  unsigned value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool all = problem == std::errc{} && end == text.data() + text.size() && !text.empty();
  return all ? std::optional{value} : std::nullopt;
}

std::optional<unsigned> login_uid() {
  std::ifstream file("/proc/self/loginuid");
  std::string text;
  file >> text;
  const auto uid = number(text);
  return uid == kNoLogin ? std::nullopt : uid;
}

std::optional<unsigned> sudo_uid() {
  const char* text = std::getenv("SUDO_UID");  // NOLINT(concurrency-mt-unsafe): one thread
  return text == nullptr ? std::nullopt : number(text);
}

unsigned owner_of(const std::filesystem::path& file) {
  struct stat facts {};
  return ::stat(file.c_str(), &facts) == 0 ? facts.st_uid : 0;
}

std::string name_of(unsigned uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, kPasswordBuffer> buffer{};
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return "uid " + std::to_string(uid);
}

}  // namespace

unsigned acting_uid(const IdentityFacts& facts) {
  const bool sudo_believed = facts.real_uid == 0 || facts.real_uid == facts.database_owner;
  const std::optional<unsigned> sudo = sudo_believed ? facts.sudo_uid : std::nullopt;
  if (facts.login_uid && sudo && *facts.login_uid != *sudo) {
    throw JobError(ExitStatus::refused,
                   "the login (uid " + std::to_string(*facts.login_uid) + ") and sudo (uid " +
                       std::to_string(*sudo) +
                       ") name different people: log in as yourself and try again");
  }
  if (facts.login_uid) {
    return *facts.login_uid;
  }
  return sudo.value_or(facts.real_uid);
}

std::string acting_person(const IdentityQuestion& question) {
  if (!question.by_flag.empty()) {
    if (!question.trust_flag) {
      throw JobError(
          ExitStatus::refused,
          "--as " + question.by_flag +
              " counts only where the configuration has [identity] trust_flag = true: who "
              "acts is who is logged in");
    }
    return question.by_flag;
  }
  return name_of(acting_uid({.login_uid = login_uid(),
                             .sudo_uid = sudo_uid(),
                             .real_uid = ::getuid(),
                             .database_owner = owner_of(question.database)}));
}

}  // namespace holdfast
