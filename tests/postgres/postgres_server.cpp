// SPDX-License-Identifier: Apache-2.0
#include "postgres_server.h"

#include <libpq-fe.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace holdfast::testing {
namespace {

constexpr int kNotInstalled = 3;
const std::string kScript = std::string{HOLDFAST_TEST_DIR "/postgres"}.append("/server.sh ");

/// The server of this process: started when it is first needed, stopped at the end.
class Server {
 public:
  Server() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-pg-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error(name + ": cannot be made");
    }
    folder_ = name;
    status_ = script("start " + folder_.string() + " " + std::to_string(::getpid()));
    if (status_ != 0 && status_ != kNotInstalled) {
      throw std::runtime_error("the PostgreSQL server of the tests did not start");
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Server(Server&&) = delete;
  Server& operator=(Server&&) = delete;
  ~Server() {
    if (status_ == 0) {
      (void)script("stop " + folder_.string());
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] bool runs() const { return status_ == 0; }
  [[nodiscard]] std::string url(const std::string& database) const {
    return "postgresql://holdfast@/" + database + "?host=" + folder_.string();
  }

 private:
  static int script(const std::string& arguments) {
    const std::string command = kScript + arguments;
    const int result = std::system(command.c_str());  // NOLINT(cert-env33-c): our own script
    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
  }

  std::filesystem::path folder_;
  int status_ = -1;
};

const Server& server() {
  static const Server one;
  return one;
}

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};

std::string first_value(const std::string& url, const std::string& sql) {
  const std::unique_ptr<PGconn, Finish> connection{PQconnectdb(url.c_str())};
  const std::unique_ptr<PGresult, Finish> result{PQexec(connection.get(), sql.c_str())};
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  return PQntuples(result.get()) == 0 ? "" : std::string{PQgetvalue(result.get(), 0, 0)};
}

}  // namespace

bool postgres_installed() {
  return server().runs();
}

PostgresScratch::PostgresScratch() {
  static int last = 0;
  if (!server().runs()) {
    throw std::runtime_error("PostgreSQL is not installed: run scripts/setup");
  }
  const std::string name = "test_" + std::to_string(++last);
  (void)first_value(server().url("postgres"), "CREATE DATABASE " + name);
  url_ = server().url(name);
}

void PostgresScratch::run_sql(const std::string& sql) const {
  (void)first_value(url_, sql);
}

std::string PostgresScratch::ask_sql(const std::string& sql) const {
  return first_value(url_, sql);
}

void PostgresScratch::cut_connections() const {
  run_sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

}  // namespace holdfast::testing
