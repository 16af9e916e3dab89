// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_vacuum.h"

#include <libpq-fe.h>

#include <vector>

namespace holdfast {
namespace {

/// Keeps the warnings that the server sends while it lives.
class Listener {
 public:
  explicit Listener(PostgresConnection& connection) : connection_(connection) {
    connection.exec("SET client_min_messages = 'warning'");
    former_ = PQsetNoticeReceiver(connection.handle(), hear, this);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;
  ~Listener() {
    PQsetNoticeReceiver(connection_.handle(), former_, nullptr);
    PQclear(PQexec(connection_.handle(), "SET client_min_messages = 'error'"));
  }

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  static void hear(void* self, const PGresult* notice) {
    const char* const said = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    static_cast<Listener*>(self)->warnings_.emplace_back(said == nullptr ? "a warning" : said);
  }

  PostgresConnection& connection_;
  PQnoticeReceiver former_ = nullptr;
  std::vector<std::string> warnings_;
};

}  // namespace

void vacuum_postgres_table(PostgresConnection& connection, const std::string& statement) {
  const Listener listener{connection};
  connection.exec(statement);
  const std::vector<std::string>& warnings = listener.warnings();
  if (!warnings.empty()) {
    const std::size_t others = warnings.size() - 1;
    throw StorageError(StorageTrouble::other,
                       connection.path() + ": " + statement + ": the server says \"" +
                           warnings.front() + "\"" +
                           (others == 0 ? "" : " and " + std::to_string(others) + " more") +
                           ": what it skipped is as before; run it as the owner of the table, and "
                           "for a partition on another server there");
  }
}

}  // namespace holdfast
