// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_url.h"

#include <libpq-fe.h>

#include <string_view>

#include "storage/database.h"

namespace holdfast {
namespace {

bool has(const PostgresUrlParts& said, const char* keyword, std::string_view letter) {
  const auto found = said.find(keyword);
  return found != said.end() && found->second.find(letter) != std::string::npos;
}

/// True where a part of the url may have been meant for another: a slash in a password ends the
/// server for libpq, and the rest of the password is then a port or a database. A name with "@" in
/// it is written with %40.
bool may_be_misread(const std::string& url, const PostgresUrlParts& said) {
  const std::size_t server = url.find("//") + 2;
  const std::size_t end = url.find('/', server);
  if (end != std::string::npos && url.find('@', end) != std::string::npos) {
    return true;
  }
  if (has(said, "host", "@") || has(said, "hostaddr", "@") || has(said, "dbname", "@")) {
    return true;
  }
  const auto port = said.find("port");
  return port != said.end() && port->second.find_first_not_of("0123456789,") != std::string::npos;
}

}  // namespace

std::optional<PostgresUrlParts> parts_of_url(const std::string& url) {
  char* why = nullptr;
  PQconninfoOption* const options = PQconninfoParse(url.c_str(), &why);
  PQfreemem(why);  // may quote the url, and so a password: never shown
  if (options == nullptr) {
    return std::nullopt;
  }
  PostgresUrlParts said;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) {
      said[option->keyword] = option->val;
    }
  }
  PQconninfoFree(options);
  return said;
}

std::string shown_path(const PostgresUrlParts& said) {
  const auto value = [&](const char* keyword) {
    const auto found = said.find(keyword);
    return found == said.end() ? std::string{} : found->second;
  };
  if (!value("service").empty() && value("dbname").empty()) {
    return "postgresql service " + value("service");
  }
  const std::string host = value("host").empty() ? value("hostaddr") : value("host");
  const std::string port = value("port").empty() ? "" : ":" + value("port");
  const std::string name = value("dbname");
  if (!host.empty() && host.front() == '/') {
    return "postgresql://" + port + "/" + name + "?host=" + host;
  }
  return "postgresql://" + host + port + "/" + name;
}

std::optional<std::string> postgres_url_problem(const std::string& url) {
  const bool ours = url.rfind("postgresql://", 0) == 0 || url.rfind("postgres://", 0) == 0;
  const std::optional<PostgresUrlParts> said = ours ? parts_of_url(url) : std::nullopt;
  if (!said) {
    return "cannot be read: write postgresql://USER@HOST:PORT/DATABASE";
  }
  if (said->count("password") != 0 || said->count("sslpassword") != 0) {
    return "has a password in it, which everybody who may read the configuration would know: put "
           "it into the file that PGPASSFILE names (mode 0600), or use peer or certificate "
           "authentication";
  }
  if (may_be_misread(url, *said)) {
    return "cannot be read for certain, because it has an \"@\" behind the server or a port that is "
           "no number: write postgresql://USER@HOST:PORT/DATABASE, \"@\" and \"/\" in a name as %40 "
           "and %2F, and no password";
  }
  return std::nullopt;
}

std::string postgres_label(const std::string& url) {
  // What is not certain to be a server and a name may be a password.
  return shown_path(postgres_url_problem(url) ? PostgresUrlParts{}
                                              : parts_of_url(url).value_or(PostgresUrlParts{}));
}

}  // namespace holdfast
