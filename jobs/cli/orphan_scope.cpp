// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/orphan_scope.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongest{1000};
constexpr milliseconds kLook{2};

bool has_children() {
  siginfo_t seen{};
  return ::waitid(P_ALL, 0, &seen, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/// The children of the first thread, to which the system gives orphans; zombies among them.
std::vector<pid_t> children() {
  std::ifstream list("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  std::vector<pid_t> found;
  for (pid_t child = 0; list >> child;) {
    found.push_back(child);
  }
  return found;
}

/// Each round reaches those whose parents the round before has ended.
void end_children() {
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  for (std::vector<pid_t> left = children();
       !left.empty() && std::chrono::steady_clock::now() < deadline;
       left = children()) {
    bool waiting = false;
    for (const pid_t child : left) {
      // Not fetched yet, so the number cannot belong to anybody else.
      ::kill(child, SIGKILL);
      waiting = ::waitpid(child, nullptr, WNOHANG) == 0 || waiting;
    }
    if (waiting) {
      std::this_thread::sleep_for(kLook);
    }
  }
}

}  // namespace

OrphanScope::OrphanScope() {
  inherits_ = !has_children() && ::prctl(PR_GET_CHILD_SUBREAPER, &before_) == 0 &&
              ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

OrphanScope::~OrphanScope() {
  if (inherits_) {
    end_children();
    ::prctl(PR_SET_CHILD_SUBREAPER, before_);
  }
}

}  // namespace holdfast
