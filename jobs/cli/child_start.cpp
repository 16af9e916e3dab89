// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/child_start.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace holdfast {
namespace {

constexpr int kStartReport = 3;    // the descriptor by which a child says that it cannot become
constexpr int kFirstSpare = 10;    // above all descriptors that a child puts in place
constexpr int kNeverBecame = 127;  // the exit status of a child that could not
constexpr mode_t kPrivate = 077;

struct Pipe {
  Descriptor read;
  Descriptor write;
};

struct Pipes {
  Pipe input;
  Pipe output;
  Pipe complaint;
  Pipe start;  ///< closed by the exec, or brings the errno of what failed
};

bool make(Pipe& pipe) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return false;
  }
  pipe.read = Descriptor{ends[0]};
  pipe.write = Descriptor{ends[1]};
  return true;
}

/// Our own ends have to be given up at the time limit whatever the other side does.
void make_impatient(const Descriptor& end) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): fcntl(2) has no other form
  static_cast<void>(::fcntl(end.number(), F_SETFL, O_NONBLOCK));
}

/// Everything the child needs, made before the fork: after it nothing may be allocated.
struct ChildPlan {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::array<int, 4> descriptors{};  ///< what becomes 0, 1, 2 and kStartReport
  rlim_t largest_address = 0;
  pid_t parent = 0;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

bool lower_limit(__rlimit_resource_t resource, rlim_t wanted) {
  struct rlimit limit {};
  if (::getrlimit(resource, &limit) != 0) {
    return false;
  }
  limit.rlim_max = std::min(limit.rlim_max, wanted);
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(resource, &limit) == 0;
}

void forget_signals() {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) {
    ::sigaction(number, &plain, nullptr);  // fails for those that nobody can change
  }
  sigset_t none{};
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);  // NOLINT(concurrency-mt-unsafe): one thread
}

/// Takes copies out of the way first, because the originals may have the very numbers wanted.
bool place_descriptors(std::array<int, 4> descriptors) {
  for (int& number : descriptors) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): fcntl(2) has no other form
    number = ::fcntl(number, F_DUPFD_CLOEXEC, kFirstSpare);
    if (number < 0) {
      return false;
    }
  }
  const bool placed = ::dup2(descriptors[0], STDIN_FILENO) >= 0 &&
                      ::dup2(descriptors[1], STDOUT_FILENO) >= 0 &&
                      ::dup2(descriptors[2], STDERR_FILENO) >= 0 &&
                      ::dup3(descriptors[3], kStartReport, O_CLOEXEC) >= 0;
  if (placed) {
    ::closefrom(kStartReport + 1);
  }
  return placed;
}

/// The child's side of the fork; only calls that are safe between fork and exec.
[[noreturn]] void become(const ChildPlan& plan) {
  int report = plan.descriptors[3];
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) {
    ::_exit(kNeverBecame);
  }
  forget_signals();
  if (place_descriptors(plan.descriptors)) {
    report = kStartReport;
    ::umask(kPrivate);
    if (::chdir("/") == 0 && lower_limit(RLIMIT_CORE, 0) &&
        lower_limit(RLIMIT_AS, plan.largest_address)) {
      ::execve(plan.arguments.front(), plan.arguments.data(), plan.environment.data());
    }
  }
  const int reason = errno;
  const ssize_t told = ::write(report, &reason, sizeof reason);
  ::_exit(told < 0 ? EXIT_FAILURE : kNeverBecame);
}

}  // namespace

tl::expected<StartedChild, int> start_child(const ProgramCall& call) {
  Pipes pipes;
  if (!make(pipes.input) || !make(pipes.output) || !make(pipes.complaint) || !make(pipes.start)) {
    return tl::unexpected{errno};
  }
  std::vector<std::string> command = call.command;
  std::vector<std::string> environment{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
  const ChildPlan plan{.arguments = pointers_to(command),
                       .environment = pointers_to(environment),
                       .descriptors = {pipes.input.read.number(),
                                       pipes.output.write.number(),
                                       pipes.complaint.write.number(),
                                       pipes.start.write.number()},
                       .largest_address = call.largest_address,
                       .parent = ::getpid()};
  // Not posix_spawn(): it can set neither the limits nor the signal that follows a parent's death.
  const pid_t child = ::fork();
  if (child < 0) {
    return tl::unexpected{errno};
  }
  if (child == 0) {
    become(plan);
  }
  ::setpgid(child, child);  // whoever of the two comes first; the other's call changes nothing
  StartedChild started{.id = child,
                       .input = std::move(pipes.input.write),
                       .output = std::move(pipes.output.read),
                       .complaint = std::move(pipes.complaint.read),
                       .start = std::move(pipes.start.read)};
  for (const Descriptor* const end :
       {&started.input, &started.output, &started.complaint, &started.start}) {
    make_impatient(*end);
  }
  return started;
}

}  // namespace holdfast
