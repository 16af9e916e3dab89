// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_RUNNER
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <catch2/catch.hpp>

#include "postgres_server.h"

/// Skipped, by the status that ctest knows, where there is no server to start; on CI that fails.
int main(int argc, char* argv[]) {
  if (!holdfast::testing::postgres_installed()) {
    const char* const ci = std::getenv("CI");
    (void)std::fputs("SKIPPED: PostgreSQL is not installed: run scripts/setup\n", stderr);
    return ci != nullptr && std::string_view{ci} == "true" ? 1 : 77;
  }
  return Catch::Session().run(argc, argv);
}
