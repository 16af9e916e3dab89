// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/program_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

using Refusal = std::optional<std::string>;

bool is_trusted_owner(uid_t owner) {
  return owner == 0 || owner == ::geteuid();
}

/// What is wrong with one step of the path, whose facts are those of what a link leads to.
Refusal why_not_trust(const fs::path& step) {
  struct stat facts {};
  if (::stat(step.c_str(), &facts) != 0) {
    return step.string() + ": " + std::generic_category().message(errno);
  }
  if (!is_trusted_owner(facts.st_uid)) {
    return step.string() + " belongs to user " + std::to_string(facts.st_uid) +
           ": give it to root, or to who runs holdfast";
  }
  const bool shared_by_root =
      S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0 && facts.st_uid == 0;
  if ((facts.st_mode & kOthersWrite) != 0 && !shared_by_root) {
    return step.string() + " may be written by its group or by others: chmod go-w it";
  }
  return std::nullopt;
}

Refusal why_not_trust_folders(const fs::path& program) {
  for (fs::path folder = program.parent_path();; folder = folder.parent_path()) {
    if (auto refusal = why_not_trust(folder)) {
      return refusal;
    }
    if (folder == folder.root_path()) {
      return std::nullopt;
    }
  }
}

}  // namespace

Refusal why_not_run(const fs::path& program) {
  if (!program.is_absolute()) {
    return program.string() + " is no absolute path";
  }
  std::error_code fault;
  const fs::path real = fs::canonical(program, fault);
  if (fault) {
    return program.string() + ": " + fault.message();
  }
  if (!fs::is_regular_file(real, fault)) {
    return real.string() + " is no file";
  }
  if (auto refusal = why_not_trust(real)) {
    return refusal;
  }
  if (auto refusal = why_not_trust_folders(real)) {
    return refusal;
  }
  return why_not_trust_folders(program.lexically_normal());
}

}  // namespace holdfast
