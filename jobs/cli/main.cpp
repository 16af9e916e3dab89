// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "jobs/cli/app.h"

int main(int argc, char** argv) {
  // A pipe that nobody reads any more may end what is printed, and no run.
  std::signal(SIGPIPE, SIG_IGN);
  return holdfast::run_app(argc, argv);
}
