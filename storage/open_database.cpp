// SPDX-License-Identifier: Apache-2.0
// Which kind of database the options mean.
#include <filesystem>
#include <system_error>

#include "storage/database.h"
#include "storage/default_log.h"

namespace holdfast {

bool is_default_log(const LogMapping& mapping) {
  const LogMapping ours;
  return mapping.table == ours.table && mapping.id == ours.id && mapping.time == ours.time &&
         mapping.time_format == ours.time_format && mapping.code == ours.code &&
         mapping.tenant.name == ours.tenant.name && mapping.actor.name == ours.actor.name &&
         mapping.subject.name == ours.subject.name && mapping.severity.name == ours.severity.name &&
         mapping.metadata.name == ours.metadata.name &&
         mapping.retain_until.name == ours.retain_until.name && !mapping.code_lookup;
}

std::string database_label(const OpenOptions& options) {
  return options.url.empty() ? options.path.string() : postgres_label(options.url);
}

std::optional<std::string> place_problem(const std::string& text) {
  if (is_postgres_url(text)) {
    return postgres_url_problem(text);
  }
  // Not quoted: whoever writes so may have a password in it. No file is called that by chance.
  std::error_code unknown;
  const bool other =
      text.find_first_of("@:=") != std::string::npos && !std::filesystem::exists(text, unknown);
  return other ? std::optional<std::string>{
                     "is neither a file nor a url that Holdfast takes: write the path of a SQLite "
                     "file, or postgresql://USER@HOST:PORT/DATABASE, without a password"}
               : std::nullopt;
}

std::unique_ptr<Database> open_database(const OpenOptions& options) {
  return options.url.empty() ? open_sqlite(options) : open_postgres(options);
}

InitReport init_database(const OpenOptions& options,
                         const std::string& identity,
                         Instant now,
                         Guards guards) {
  return options.url.empty() ? init_sqlite(options, identity, now, guards)
                             : init_postgres(options, identity, now, guards);
}

InitReport remove_own_tables(const OpenOptions& options) {
  return options.url.empty() ? remove_sqlite(options) : remove_postgres(options);
}

}  // namespace holdfast
