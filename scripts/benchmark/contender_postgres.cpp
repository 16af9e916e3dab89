// SPDX-License-Identifier: Apache-2.0
// What a careful user would write instead of Holdfast on PostgreSQL, on libpq alone.
//
//   contender_postgres one_delete URL CUTOFF_MS   one statement, one transaction
//   contender_postgres limit_loop URL CUTOFF_MS   10,000 rows of a code, committed, and again
//   contender_postgres read URL CUTOFF_MS         reads every due row once and hashes it, deletes nothing
//   contender_postgres writer URL                 a row every 2 ms until its standard input ends
//
// Prints one line of JSON: rows and the longest transaction, or how long the writer's inserts took.

#include <libpq-fe.h>
#include <openssl/evp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr const char* kNotHeld =
    " AND NOT EXISTS (SELECT 1 FROM bench_held WHERE name = e.subject)"
    " AND NOT EXISTS (SELECT 1 FROM bench_held WHERE name = e.actor)";

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FreeDigest {
  void operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }
};
using Connection = std::unique_ptr<PGconn, Finish>;
using Result = std::unique_ptr<PGresult, Clear>;

Connection open(const std::string& url) {
  Connection connection{PQconnectdb(url.c_str())};
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  return connection;
}

Result sound(PGconn* connection, PGresult* result) {
  Result owned{result};
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_OUT) {
    throw std::runtime_error(PQerrorMessage(connection));
  }
  return owned;
}

Result execute(PGconn* connection, const std::string& sql) {
  return sound(connection, PQexec(connection, sql.c_str()));
}

Result execute(PGconn* connection, const char* prepared, const std::vector<std::string>& values) {
  std::vector<const char*> raw;
  raw.reserve(values.size());
  for (const std::string& value : values) {
    raw.push_back(value.c_str());
  }
  return sound(connection,
               PQexecPrepared(connection,
                              prepared,
                              static_cast<int>(raw.size()),
                              raw.data(),
                              nullptr,
                              nullptr,
                              0));
}

long long changed(const Result& result) {
  return std::atoll(PQcmdTuples(result.get()));
}

struct Told {
  long long rows = 0;
  Clock::duration longest{0};
};

Told one_delete(PGconn* connection, const std::string& cutoff) {
  const auto begun = Clock::now();
  Told told;
  told.rows = changed(execute(
      connection, "DELETE FROM audit_events AS e WHERE occurred_at < " + cutoff + kNotHeld));
  told.longest = Clock::now() - begun;
  return told;
}

Told limit_loop(PGconn* connection, const std::string& cutoff) {
  (void)sound(connection,
              PQprepare(connection,
                        "some",
                        (std::string{"DELETE FROM audit_events WHERE id IN (SELECT id FROM "
                                     "audit_events AS e WHERE code = $1 AND occurred_at < $2"} +
                         kNotHeld + " LIMIT 10000)")
                            .c_str(),
                        0,
                        nullptr));
  const Result codes = execute(connection, "SELECT code FROM bench_code ORDER BY code");
  Told told;
  for (int row = 0; row < PQntuples(codes.get()); ++row) {
    long long deleted = 0;
    do {
      const auto begun = Clock::now();
      deleted =
          changed(execute(connection, "some", {PQgetvalue(codes.get(), row, 0), cutoff}));
      told.longest = std::max(told.longest, Clock::now() - begun);
      told.rows += deleted;
    } while (deleted > 0);
  }
  return told;
}

Told read(PGconn* connection, const std::string& cutoff) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> digest{EVP_MD_CTX_new()};
  const auto begun = Clock::now();
  (void)execute(connection,
                "COPY (SELECT * FROM audit_events WHERE occurred_at < " + cutoff + ") TO STDOUT");
  Told told;
  char* line = nullptr;
  for (int length = 0; (length = PQgetCopyData(connection, &line, 0)) > 0; ++told.rows) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    if (EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1 ||
        EVP_DigestUpdate(digest.get(), line, static_cast<std::size_t>(length)) != 1 ||
        EVP_DigestFinal_ex(digest.get(), hash.data(), nullptr) != 1) {
      throw std::runtime_error("cannot hash");
    }
    PQfreemem(line);
  }
  while (Result rest{PQgetResult(connection)}) {
    if (PQresultStatus(rest.get()) != PGRES_COMMAND_OK) {
      throw std::runtime_error(PQerrorMessage(connection));
    }
  }
  told.longest = Clock::now() - begun;
  return told;
}

/// Whether nobody says within 2 ms that it is enough.
bool goes_on() {
  constexpr int kRestMs = 2;
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return poll(&input, 1, kRestMs) == 0;
}

std::vector<double> write_until_told(PGconn* connection) {
  (void)sound(connection,
              PQprepare(connection,
                        "one",
                        "INSERT INTO audit_events (occurred_at, tenant, code, severity, actor, "
                        "subject, metadata) VALUES ((extract(epoch FROM clock_timestamp()) * "
                        "1000)::bigint, 'tenant-1', 'ACCOUNT_PROFILE_UPDATE', 'Info', $1, $2, '{}')",
                        0,
                        nullptr));
  std::vector<double> took;
  while (goes_on()) {
    const std::string number = std::to_string(took.size() % 20'000);
    const auto begun = Clock::now();
    (void)execute(connection, "one", {"person-" + number, "subject-" + number});
    took.push_back(Milliseconds(Clock::now() - begun).count());
  }
  return took;
}

void print_waits(std::vector<double> took) {
  std::sort(took.begin(), took.end());
  const auto share = [&took](double part) {
    return took.empty() ? 0.0
                        : took[std::min(took.size() - 1,
                                        static_cast<std::size_t>(
                                            part * static_cast<double>(took.size())))];
  };
  std::printf("{\"writes\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n",
              took.size(),
              share(0.5),
              share(0.99),
              share(1.0));
}

int work(const std::vector<std::string>& words) {
  const Connection connection = open(words[2]);
  if (words[1] == "writer") {
    print_waits(write_until_told(connection.get()));
    return 0;
  }
  // As Holdfast's own slices have it.
  (void)execute(connection.get(), "SET synchronous_commit = off");
  const Told told = words[1] == "one_delete"   ? one_delete(connection.get(), words[3])
                    : words[1] == "limit_loop" ? limit_loop(connection.get(), words[3])
                                               : read(connection.get(), words[3]);
  std::printf("{\"rows\": %lld, \"longest_ms\": %.1f}\n",
              told.rows,
              Milliseconds(told.longest).count());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  const bool known = words.size() == 4 ? words[1] == "one_delete" || words[1] == "limit_loop" ||
                                             words[1] == "read"
                                       : words.size() == 3 && words[1] == "writer";
  if (!known) {
    std::fputs("usage: contender_postgres one_delete|limit_loop|read URL CUTOFF_MS | writer URL\n",
               stderr);
    return 2;
  }
  try {
    return work(words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "contender_postgres: %s\n", error.what());
    return 1;
  }
}
