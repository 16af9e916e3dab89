// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "storage/database.h"

namespace holdfast::testing {

/// A database of its own for one test, on the server that all tests of this process share; gone
/// with that server. Where PostgreSQL is not installed the test is told so by an exception, but see
/// postgres_installed().
class PostgresScratch {
 public:
  PostgresScratch();

  [[nodiscard]] const std::string& url() const { return url_; }
  /// Options for this database, with a short busy wait.
  [[nodiscard]] OpenOptions options() const {
    return {.url = url_, .busy_wait = std::chrono::milliseconds{200}};
  }
  /// What somebody does with another program: runs SQL over a connection of its own.
  void run_sql(const std::string& sql) const;
  /// The first column of the first row, as text.
  [[nodiscard]] std::string ask_sql(const std::string& sql) const;
  /// Ends all other sessions of this database.
  void cut_connections() const;

 private:
  std::string url_;
};

/// False where the machine has no PostgreSQL server to start.
[[nodiscard]] bool postgres_installed();

}  // namespace holdfast::testing
