// SPDX-License-Identifier: Apache-2.0
// How a session is told from others, and where names are looked up in it.
#include <libpq-fe.h>

#include <string>

#include "storage/postgres/postgres_connection.h"
#include "storage/storage_error.h"

namespace holdfast {
void PostgresConnection::keep_to_postgres_names() {
  exec("SET search_path = pg_catalog, pg_temp");
}

void PostgresConnection::use_server_path() {
  exec("SELECT pg_catalog.set_config('search_path', " + postgres_literal(server_path_) +
       ", false)");
}

const char* PostgresConnection::session_sql() {
  return "SELECT pg_catalog.current_setting('holdfast.session', true)";
}

void PostgresConnection::require_same_session(const PostgresResult& answered) const {
  const pg_result* const rows = answered.get();
  if (PQntuples(rows) == 1 && session_ == PQgetvalue(rows, 0, 0)) {
    return;
  }
  throw StorageError(StorageTrouble::other,
                     path_ +
                         ": the server's session is not the one that this command began with: a "
                         "connection pooler hands sessions out by transaction, so that the lock of "
                         "one run at a time would keep nobody out; connect to the server directly, "
                         "or let the pooler pool by session");
}

}  // namespace holdfast
