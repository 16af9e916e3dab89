// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/trusted_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <vector>

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
constexpr mode_t kModeBits = 07777;
constexpr int kMostLinks = 40;  // as many as the system follows

using Refusal = std::optional<std::string>;

bool is_trusted_owner(uid_t owner) {
  return owner == 0 || owner == ::geteuid();
}

std::string octal(mode_t mode) {
  std::array<char, 8> digits{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the library has no other form for octal
  std::snprintf(digits.data(), digits.size(), "%04o", mode & kModeBits);
  return digits.data();
}

/// What is wrong with one step of the way, which is no link.
Refusal why_not_trust_step(const fs::path& step, const struct stat& facts) {
  if (!is_trusted_owner(facts.st_uid)) {
    return step.string() + " belongs to user " + std::to_string(facts.st_uid) +
           ": give it to root, or to who runs holdfast";
  }
  const bool shared_by_root =
      S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0 && facts.st_uid == 0;
  if ((facts.st_mode & kOthersWrite) != 0 && !shared_by_root) {
    return step.string() + " may be written by its group or by others (mode " +
           octal(facts.st_mode) + "): chmod go-w it";
  }
  return std::nullopt;
}

/// The steps of a path that are still to be taken, the next one last.
class Way {
 public:
  void add(const fs::path& path) {
    std::vector<fs::path> steps(path.begin(), path.end());
    steps_.insert(steps_.end(), steps.rbegin(), steps.rend());
  }
  [[nodiscard]] bool is_at_end() const { return steps_.empty(); }
  [[nodiscard]] fs::path take() {
    fs::path step = std::move(steps_.back());
    steps_.pop_back();
    return step;
  }

 private:
  std::vector<fs::path> steps_;
};

}  // namespace

Refusal why_not_trust(const fs::path& file) {
  std::error_code fault;
  Way way;
  way.add(fs::absolute(file, fault));
  fs::path reached;
  int links = 0;
  while (!fault && !way.is_at_end()) {
    // Each folder was looked at before anything in it, so the one above needs no second look.
    const fs::path step = way.take();
    const fs::path next = step == ".." ? reached.parent_path() : reached / step;
    struct stat facts {};
    if (::lstat(next.c_str(), &facts) != 0) {
      return next.string() + ": " + std::generic_category().message(errno);
    }
    if (S_ISLNK(facts.st_mode)) {
      if (++links > kMostLinks) {
        return file.string() + ": " + std::generic_category().message(ELOOP);
      }
      way.add(fs::read_symlink(next, fault));
      continue;
    }
    if (auto refusal = why_not_trust_step(next, facts)) {
      return refusal;
    }
    reached = next;
  }
  return fault ? Refusal{file.string() + ": " + fault.message()} : std::nullopt;
}

}  // namespace holdfast
