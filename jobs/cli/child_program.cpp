// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/child_program.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "jobs/cli/child_start.h"
#include "jobs/cli/orphan_scope.h"

namespace holdfast {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr milliseconds kGrace{250};       // between SIGTERM and SIGKILL
constexpr milliseconds kLastWait{1000};   // for the system to clear away what was killed
constexpr milliseconds kLongestPoll{50};  // where nothing tells that the program has ended
constexpr std::size_t kPieceBytes = 65536;

/// Writing to a program that has gone is no reason to die, and a caller who ignores children would
/// never learn how they ended.
class SignalScope {
 public:
  SignalScope() {
    struct sigaction wanted {};
    wanted.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &wanted, &pipe_before_);
    wanted.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &wanted, &child_before_);
  }
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;
  SignalScope(SignalScope&&) = delete;
  SignalScope& operator=(SignalScope&&) = delete;
  ~SignalScope() {
    ::sigaction(SIGPIPE, &pipe_before_, nullptr);
    ::sigaction(SIGCHLD, &child_before_, nullptr);
  }

 private:
  struct sigaction pipe_before_ {};
  struct sigaction child_before_ {};
};

/// What is read from one end of a pipe.
struct Stream {
  Descriptor end;
  std::size_t most = 0;
  bool overflown = false;
  std::string text;
};

void read_piece(Stream& stream) {
  std::array<char, kPieceBytes> piece{};
  const ssize_t count = ::read(stream.end.number(), piece.data(), piece.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (count <= 0) {
    stream.end.close();
    return;
  }
  const auto got = static_cast<std::size_t>(count);
  const std::size_t room = stream.most - stream.text.size();
  stream.overflown = stream.overflown || got > room;
  stream.text.append(piece.data(), std::min(got, room));
}

/// A descriptor that is readable once the child has exited; none where the system has no such.
Descriptor exit_watch(pid_t child) {
  // The C library's own declaration cannot be linked from C++ in its version 2.36.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): syscall(2) has no other form
  return Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
}

/// A started program and the talk with it, until the process group is gone.
class Conversation {
 public:
  Conversation(StartedChild child, const ProgramCall& call);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  Conversation(Conversation&&) = delete;
  Conversation& operator=(Conversation&&) = delete;
  ~Conversation() { clear_away(); }  // on every way out, so that nothing outlives the question

  [[nodiscard]] ProgramEnd hold();

 private:
  /// Talks until the program has ended; gives another kind where that has to be forced.
  [[nodiscard]] std::optional<ProgramEnd::Kind> talk(SteadyTime deadline);
  void talk_once(milliseconds wait);
  void write_piece();
  [[nodiscard]] bool has_exited() const;
  void wait_for_exit(milliseconds wait) const;
  void send(int number) const;
  /// Kills what is left of the group and takes the exit status; 0 where the system has none.
  std::optional<int> clear_away();

  pid_t child_;
  Descriptor watch_;
  Descriptor input_;
  std::string_view unsent_;
  Stream output_;
  Stream complaint_;
  Stream start_;
  milliseconds time_limit_;
};

Conversation::Conversation(StartedChild child, const ProgramCall& call)
    : child_(child.id),
      watch_(exit_watch(child.id)),
      input_(std::move(child.input)),
      unsent_(call.input),
      output_{.end = std::move(child.output), .most = call.largest_output},
      complaint_{.end = std::move(child.complaint), .most = call.kept_complaint},
      start_{.end = std::move(child.start), .most = sizeof(int)},
      time_limit_(call.time_limit) {}

bool Conversation::has_exited() const {
  siginfo_t seen{};
  const int asked = ::waitid(P_PID, static_cast<id_t>(child_), &seen, WEXITED | WNOHANG | WNOWAIT);
  return asked != 0 ? errno == ECHILD : seen.si_pid == child_;
}

void Conversation::send(int number) const {
  // The program is not waited for yet, so its number cannot belong to anybody else.
  ::kill(-child_, number);
  ::kill(child_, number);
}

void Conversation::write_piece() {
  const ssize_t count = ::write(input_.number(), unsent_.data(), unsent_.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  // A program that does not listen may answer all the same.
  unsent_.remove_prefix(count < 0 ? unsent_.size() : static_cast<std::size_t>(count));
  if (unsent_.empty()) {
    input_.close();
  }
}

void Conversation::talk_once(milliseconds wait) {
  std::array<pollfd, 5> ends{{{.fd = input_.number(), .events = POLLOUT},
                              {.fd = output_.end.number(), .events = POLLIN},
                              {.fd = complaint_.end.number(), .events = POLLIN},
                              {.fd = start_.end.number(), .events = POLLIN},
                              {.fd = has_exited() ? -1 : watch_.number(), .events = POLLIN}}};
  if (::poll(ends.data(), ends.size(), static_cast<int>(wait.count())) <= 0) {
    return;
  }
  if (ends[0].revents != 0) {
    write_piece();
  }
  const std::array<Stream*, 3> streams{&output_, &complaint_, &start_};
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (ends.at(i + 1).revents != 0) {
      read_piece(*streams.at(i));
    }
  }
}

std::optional<ProgramEnd::Kind> Conversation::talk(SteadyTime deadline) {
  while (true) {
    const bool closed =
        !output_.end.is_open() && !complaint_.end.is_open() && !start_.end.is_open();
    if (closed && has_exited()) {
      return std::nullopt;
    }
    if (output_.overflown) {
      return ProgramEnd::Kind::too_much_output;
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left <= milliseconds{0}) {
      return ProgramEnd::Kind::out_of_time;
    }
    const bool told = watch_.is_open() && !has_exited();
    const bool waits_for_exit_alone = closed && !told;
    talk_once(waits_for_exit_alone ? std::min(left, kLongestPoll) : left);
  }
}

void Conversation::wait_for_exit(milliseconds wait) const {
  const SteadyTime deadline = std::chrono::steady_clock::now() + wait;
  while (!has_exited()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left <= milliseconds{0}) {
      return;
    }
    pollfd end{.fd = watch_.number(), .events = POLLIN};
    ::poll(&end, 1, static_cast<int>(std::min(left, kLongestPoll).count()));
  }
}

std::optional<int> Conversation::clear_away() {
  if (child_ <= 0) {
    return std::nullopt;
  }
  send(SIGKILL);
  wait_for_exit(kLastWait);
  int status = 0;
  const bool known = ::waitpid(std::exchange(child_, 0), &status, WNOHANG) > 0;
  return known ? std::optional{status} : std::nullopt;
}

ProgramEnd Conversation::hold() {
  const auto forced = talk(std::chrono::steady_clock::now() + time_limit_);
  if (forced) {
    send(SIGTERM);
    wait_for_exit(kGrace);
  }
  const std::optional<int> status = clear_away();
  ProgramEnd end{.output = std::move(output_.text), .complaint = std::move(complaint_.text)};
  if (start_.text.size() == sizeof(int)) {
    end.kind = ProgramEnd::Kind::not_started;
    std::memcpy(&end.number, start_.text.data(), sizeof(int));
  } else if (forced) {
    end.kind = *forced;
  } else if (status && WIFEXITED(*status)) {
    end.kind = ProgramEnd::Kind::exited;
    end.number = WEXITSTATUS(*status);
  } else if (status && WIFSIGNALED(*status)) {
    end.kind = ProgramEnd::Kind::signalled;
    end.number = WTERMSIG(*status);
  }
  return end;
}

}  // namespace

ProgramEnd run_program(const ProgramCall& call) {
  const SignalScope signals;
  const OrphanScope orphans;
  auto child = start_child(call);
  if (!child) {
    return {.kind = ProgramEnd::Kind::not_started, .number = child.error()};
  }
  return Conversation{*std::move(child), call}.hold();
}

}  // namespace holdfast
