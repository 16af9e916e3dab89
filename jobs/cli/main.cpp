// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/app.h"

int main(int argc, char** argv) {
  return holdfast::run_app(argc, argv);
}
