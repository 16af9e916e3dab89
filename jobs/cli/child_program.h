// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace holdfast {

/// A program to run, and within what.
struct ProgramCall {
  std::vector<std::string> command;  ///< absolute path and arguments, not empty
  std::string input;                 ///< all of its standard input
  std::chrono::milliseconds time_limit{0};
  std::size_t largest_output = 0;   ///< bytes of standard output; more end the program
  std::size_t kept_complaint = 0;   ///< bytes of standard error that are kept; more are dropped
  std::size_t largest_address = 0;  ///< bytes of address space
};

/// How a program ended, and what it printed until then.
struct ProgramEnd {
  enum class Kind {
    exited,       ///< `number` is its exit status
    signalled,    ///< `number` is the signal that ended it
    out_of_time,  ///< it, or a process that it had started, still ran or held an output open
    too_much_output,
    not_started,  ///< `number` is the errno of what failed
    unknown       ///< the system did not say how it ended
  };
  Kind kind = Kind::unknown;
  int number = 0;
  std::string output;
  std::string complaint;  ///< the beginning of its standard error
};

/// Runs a program without a shell: in a process group of its own, in the folder "/", with an
/// environment of PATH=/usr/bin:/bin and LANG=C.UTF-8 alone, default signal handling, no descriptor
/// but 0, 1 and 2, no core dump, and dying with this process. It has ended when it has exited and
/// both outputs are closed. At the time limit its process group gets SIGTERM, and SIGKILL a quarter
/// of a second later; what it left behind, in its group or out of it, gets SIGKILL in every case
/// (out of it only as OrphanScope says). No zombie stays. SIGPIPE and SIGCHLD are as before when
/// this returns. For a process with one thread. Never throws for what the program does.
[[nodiscard]] ProgramEnd run_program(const ProgramCall& call);

}  // namespace holdfast
